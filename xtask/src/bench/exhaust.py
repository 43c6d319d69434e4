"""What inotify is used up with today: inotify_simple, and a temporary file for each watch."""

import errno
import json
import os
import tempfile

from inotify_simple import INotify, flags

inotify = INotify()
watches = inodes = 0
with tempfile.TemporaryDirectory() as directory:
    try:
        while True:
            descriptor, path = tempfile.mkstemp(dir=directory)
            os.close(descriptor)
            inodes += 1
            inotify.add_watch(path, flags.MODIFY)
            watches += 1
    except OSError as error:
        name = errno.errorcode[error.errno]
        print(json.dumps({"held": watches, "inodes": inodes, "refused": name}), flush=True)
