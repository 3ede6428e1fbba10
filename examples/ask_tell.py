import json, os, urllib.request

here = {name: os.environ.get(f"HONE_{name.upper()}") for name in ("api", "team", "token")}
here = here if here["api"] else json.load(open(".hone/local.json"))  # written by `npm run local`

def call(method, path, body=None):
    headers = {"Authorization": f"Bearer {here['token']}", "Content-Type": "application/json"}
    url, data = f"{here['api']}/teams/{here['team']}/studies{path}", body and json.dumps(body).encode()
    return json.load(urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)))

study = call("POST", "", {"name": "parabola", "space": {"x": {"type": "float", "low": -10, "high": 10}},
    "objectives": [{"metric": "loss", "direction": "minimize"}], "budget": {"trials": 20}})["study"]
while trials := call("POST", f"/{study}/ask", {"count": 4})["trials"]:
    for trial in trials:
        result = {"attempt": trial["attempt"], "values": {"loss": (trial["params"]["x"] - 3) ** 2}}
        call("POST", f"/{study}/trials/{trial['number']}/tell", result)
print(json.dumps(call("GET", f"/{study}/best")))
