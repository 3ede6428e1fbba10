import json, os, random, time, urllib.error, urllib.request, uuid

here = {name: os.environ.get(f"HONE_{name.upper()}") for name in ("api", "team", "token")}
here = here if here["api"] else json.load(open(".hone/local.json"))  # written by `npm run local`

def call(method, path, body=None):
    headers = {"Authorization": f"Bearer {here['token']}", "Content-Type": "application/json",
        "Idempotency-Key": uuid.uuid4().hex}  # so that a repeated request takes effect once
    url, data = f"{here['api']}/teams/{here['team']}/studies{path}", body and json.dumps(body).encode()
    for tries in range(8):
        try:
            return json.load(urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)))
        except urllib.error.HTTPError as error:
            if error.code not in (429, 500, 502, 503, 504) or tries == 7:
                raise
            after = float(error.headers.get("Retry-After") or 0)
            time.sleep(max(after, 0.25 * 2**tries) * random.uniform(1, 1.2))

study = call("POST", "", {"name": "parabola", "space": {"x": {"type": "float", "low": -10, "high": 10}},
    "objectives": [{"metric": "loss", "direction": "minimize"}], "budget": {"trials": 20}})["study"]
while trials := call("POST", f"/{study}/ask", {"count": 4})["trials"]:
    for trial in trials:
        result = {"attempt": trial["attempt"], "values": {"loss": (trial["params"]["x"] - 3) ** 2}}
        call("POST", f"/{study}/trials/{trial['number']}/tell", result)
print(json.dumps(call("GET", f"/{study}/best")))
