"""The case of the course: building the data of a keyword spotter."""
