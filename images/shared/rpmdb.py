"""Writes rpm's database anew, without the time at which each package was
installed, so that two builds of the same packages are the same. Rocky Linux 8 has
Python 3.6."""

import glob
import os
import shutil
import struct
import subprocess
import tempfile

# Of rpmtag.h.
INSTALLTIME = 1008
INSTALLTID = 1128


def timeless(exported):
    """The headers of an exported database, as rpm's manual describes them in
    "Header format": magic, two lengths, the index, the data."""
    for intro in iter(lambda: exported.read(16), b""):
        entries, size = struct.unpack(">8x2I", intro)
        index, data = exported.read(16 * entries), bytearray(exported.read(size))
        for tag, _, offset, _ in struct.iter_unpack(">4I", index):
            if tag in (INSTALLTIME, INSTALLTID):
                data[offset : offset + 4] = bytes(4)
        yield intro + index + data


path = subprocess.check_output(["rpm", "--eval", "%{_dbpath}"]).decode().strip()
new = tempfile.mkdtemp(dir=os.path.dirname(path))
os.chmod(new, 0o755)
with tempfile.TemporaryFile() as exported, tempfile.TemporaryFile() as headers:
    subprocess.run(["rpmdb", "--exportdb"], stdout=exported, check=True)
    exported.seek(0)
    headers.writelines(timeless(exported))
    headers.seek(0)
    subprocess.run(["rpmdb", "--dbpath", new, "--importdb"], stdin=headers, check=True)
# SQLite's index of its log has random numbers in it, but for one that is made
# where the log is empty. Users who may not write need one that is there.
for index in glob.glob(new + "/*-shm"):
    os.remove(index)
subprocess.check_output(["rpm", "--dbpath", new, "--query", "--all"])
shutil.rmtree(path)
os.rename(new, path)
