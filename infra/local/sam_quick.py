"""SAM's command line with quick compression: for emulators, where a package travels over the loopback interface.

The packages of all functions take a minute of processor time at zlib's usual level and a third of that at its first,
for a tenth more bytes.
"""

import functools
import sys
import zipfile

zipfile.ZipFile.__init__ = functools.partialmethod(zipfile.ZipFile.__init__, compresslevel=1)

if __name__ == "__main__":
    from samcli.cli.main import cli

    sys.exit(cli(prog_name="sam"))
