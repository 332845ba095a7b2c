"""Importing this skips, or fails, the file that does where TVM is missing: for files that import it
or the backend themselves."""

from optional_tools import require_tvm

require_tvm()
