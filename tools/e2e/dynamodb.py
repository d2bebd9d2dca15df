"""Runs a command next to DynamoDB and S3 as moto has them, for make dynamodb.

    python3 tools/e2e/dynamodb.py go test ./internal/detect

The command finds them at SLUICE_DYNAMODB_ENDPOINT, on a port that the kernel
chooses. Without the corrections two writers at once would lose an update now and
then, which DynamoDB does not.
"""

import logging
import os
import subprocess
import sys
import threading

sys.dont_write_bytecode = True

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

import corrections  # noqa: E402

corrections.apply()
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["SLUICE_DYNAMODB_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
code = subprocess.run(sys.argv[1:], check=False).returncode
sys.stdout.flush()
os._exit(code)
