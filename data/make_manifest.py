"""Print the manifest of the extracted data set in a folder; it goes to data/manifests/NAME.tsv.

Usage: python data/make_manifest.py FOLDER
"""

import hashlib
import sys
from pathlib import Path


def main(folder):
    print("# SHA-256\tbytes\tpath")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        print(hashlib.sha256(content).hexdigest(), len(content), name, sep="\t")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
