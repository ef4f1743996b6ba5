"""`python3 -m field_client`"""

import sys

from .cli import main

sys.exit(main())
