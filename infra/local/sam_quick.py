"""SAM's command line made quick, for emulators, where a package travels over the loopback interface.

The packages of all functions take a minute of processor time at zlib's usual level and a third of that at its first,
for a tenth more bytes. The template is read by the parser that PyYAML has in C instead of that in Python.
"""

import functools
import sys
import zipfile

import yaml

zipfile.ZipFile.writestr = functools.partialmethod(zipfile.ZipFile.writestr, compresslevel=1)
yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

if __name__ == "__main__":
    from samcli.cli.main import cli

    sys.exit(cli(prog_name="sam"))
