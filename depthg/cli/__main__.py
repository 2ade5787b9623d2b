"""`python -m depthg.cli` is `depthg`."""

import sys

from depthg.cli import main

sys.exit(main())
