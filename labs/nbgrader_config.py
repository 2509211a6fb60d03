"""nbgrader in this folder: `cd labs`, then `nbgrader autograde lab01_data_gravity`, and so on."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

c = get_config()  # noqa: F821 - nbgrader provides it
c.CourseDirectory.course_id = "data-engineering"
c.CourseDirectory.root = str(HERE)
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
c.ExecutePreprocessor.timeout = 600  # lab 03 trains a dozen spotters

# kernels that grade find the hidden checks; those that students run do not
hidden = str(HERE / "checks" / "hidden")
paths = [hidden, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
os.environ["KIT_HEADLESS"] = "1"
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
