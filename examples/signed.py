"""Calls Hone with AWS credentials instead of a token: every request is signed (SigV4) with botocore.

The environment has AWS credentials of a role that may call the study, as POST .../credentials or the role of the
team gives them, HONE_IAM_API (the API's URL up to and including /iam/v1), HONE_TEAM and AWS_REGION. Usage: python signed.py STUDY
"""

import json
import os
import sys
import urllib.error
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

API = os.environ["HONE_IAM_API"]
TEAM = os.environ["HONE_TEAM"]


def call(method: str, path: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    headers = {} if data is None else {"Content-Type": "application/json"}
    request = AWSRequest(method, f"{API}/teams/{TEAM}{path}", headers=headers, data=data)
    SigV4Auth(Session().get_credentials(), "execute-api", os.environ["AWS_REGION"]).add_auth(request)
    signed = urllib.request.Request(request.url, data, dict(request.headers), method=method)
    try:
        with urllib.request.urlopen(signed) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


study = f"/studies/{sys.argv[1]}"
while trials := call("POST", f"{study}/ask", {"count": 1})["trials"]:
    for trial in trials:
        loss = (trial["params"]["x"] - 3) ** 2
        call("POST", f"{study}/trials/{trial['number']}/tell", {"attempt": trial["attempt"], "values": {"loss": loss}})
print(json.dumps(call("GET", f"{study}/best")["trials"]))
