import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Study } from "../../../shared/schemas/study.ts";
import type { TrialPage } from "../../../shared/schemas/trial.ts";
import type { SpaceDefinition } from "../../../shared/space/definition.ts";
import { PACKAGE, python, serveHandler } from "./driver.ts";

/** Whole studies: the real client against the real handler. */

test("a quadratic is tuned in four threads, each trial once, and its best is close", async () => {
  const { env, get } = await serveHandler();
  const script = `
import hone
study = hone.create_study("parabola", {"x": hone.float(-10, 10)}, minimize="loss", trials=20)
assert study.best is None
study.optimize(lambda trial: (trial.params["x"] - 3) ** 2, workers=4)
print(study.id, study.best.number, study.best.params["x"], study.best.values["loss"], len(study.results()))
`;
  const [id, number, x, loss, results] = (await python(script, env)).trim().split(" ");
  const { state, trials, best } = await get<Study>(`/studies/${id}`);
  expect([state, trials.completed, trials.running, Number(results)]).toEqual(["finished", 20, 0, 20]);
  expect(best).toMatchObject([
    { number: Number(number), params: { x: Number(x) }, values: { loss: Number(loss) } },
  ]);
  expect(Math.abs(Number(x) - 3)).toBeLessThan(1);
});

test("several processes share a study, and one that is loaded again goes on where it was", async () => {
  const { env, get } = await serveHandler();
  const create = `
import hone
study = hone.create_study("shared", {"x": hone.int(0, 9)}, maximize="y", trials=6, algorithm="random", parallel=3)
for trial in study.trials():
    trial.tell(y=trial.params["x"])
    if trial.number == 1: break
print(study.id)
`;
  const id = (await python(create, env)).trim();
  expect((await get<Study>(`/studies/${id}`)).trials.completed).toBe(2);
  const work = `import hone; hone.load_study("${id}").optimize(lambda trial: trial.params["x"])`;
  await Promise.all([python(work, env), python(work, env)]);
  expect(await get<Study>(`/studies/${id}`)).toMatchObject({ state: "finished", trials: { completed: 6 } });
});

test("several objectives and outcomes have a Pareto set, and no single best", async () => {
  const { env } = await serveHandler();
  const script = `
import hone
study = hone.create_study("two", {"x": hone.float(0, 1)}, minimize=["a", "b"], trials=4,
    outcomes=[{"metric": "c", "max": 1}], algorithm="random")
study.add_result({"x": 0.1}, a=1, b=0, c=0)
study.add_result({"x": 0.2}, {"a": 0, "b": 1, "c": 0})
study.enqueue({"x": 0.3})
trial = study.ask()
print(trial.params)
trial.tell(a=0, b=0, c=2)
print(sorted(it.params["x"] for it in study.best_trials))
for ask in (lambda: study.best, lambda: study.optimize(lambda trial: 1)):
    try: ask()
    except (hone.Error, TypeError) as error: print(error)
`;
  expect((await python(script, env)).trim().split("\n")).toEqual([
    "{'x': 0.3}",
    "[0.1, 0.2]",
    "The study has several objectives: best_trials is its Pareto set.",
    "the study has several objectives: return a dict with a, b",
  ]);
});

test("a study begins with results of earlier ones, named by the study, by its id or with other names", async () => {
  const { env, get } = await serveHandler();
  const script = `
import hone
first = hone.create_study("first", {"x": hone.float(-10, 10)}, minimize="loss", trials=5)
second = hone.create_study("second", {"width": hone.float(-5, 5)}, minimize="loss", trials=5)
for x in (1, 3, 9):
    first.add_result({"x": x}, loss=(x - 3) ** 2)
second.add_result({"width": 2}, loss=1)
study = hone.create_study("third", {"x": hone.float(-8, 8)}, minimize="loss", trials=5,
    warm_start=[first, {"study": second.id, "rename": {"width": "x"}}])
again = hone.create_study("fourth", {"x": hone.float(-8, 8)}, minimize="loss", trials=5, warm_start=[first.id])
print(study.id, study.ask().params["x"], again.ask().params["x"])
`;
  const [id, x, again] = (await python(script, env)).trim().split(" ");
  expect([Number(x), Number(again)]).toEqual([3, 3]);
  expect((await get<Study>(`/studies/${id}`)).warmStart?.studies).toMatchObject([
    { used: 2, leftOut: [{ reason: "out-of-range", trials: 1, parameters: ["x"] }] },
    { used: 1, rename: { width: "x" } },
  ]);
});

test("every helper of the space makes the JSON that the API reads", async () => {
  const { env, get } = await serveHandler();
  const script = `
import hone
space = {
    "lr": hone.float(1e-5, 0.1, scale="log", prior=hone.normal(1e-3, 0.5), points=3),
    "share": hone.float(0, 1, step=0.25, prior=hone.beta(4, 1)),
    "layers": hone.int(1, 8),
    "units": hone.int(8, 256, scale="log", when={"layers": {"low": 2}}),
    "optimizer": hone.categorical(("sgd", "adam"), weights=[1, 3]),
    "momentum": hone.float(0, 0.99, scale="reverse-log", when={"optimizer": ["sgd"]}),
    "size": hone.ordinal([64, 128, 256]),
    "plain": {"type": "int", "low": 0, "high": 9, "step": 3},
}
print(hone.create_study("all", space, minimize="loss", trials=5, lease={"seconds": 60},
    constraints=[{"lr": 1, "layers": 1, "max": 9}], forbidden=[{"optimizer": "sgd", "size": 64}]).id)
`;
  const study = await get<Study>(`/studies/${(await python(script, env)).trim()}`);
  const space: SpaceDefinition = {
    lr: {
      type: "float",
      low: 1e-5,
      high: 0.1,
      scale: "log",
      prior: { type: "normal", mean: 1e-3, sd: 0.5 },
      points: 3,
    },
    share: {
      type: "float",
      low: 0,
      high: 1,
      scale: "linear",
      step: 0.25,
      prior: { type: "beta", alpha: 4, beta: 1 },
    },
    layers: { type: "int", low: 1, high: 8, scale: "linear" },
    units: { type: "int", low: 8, high: 256, scale: "log", when: { layers: { low: 2 } } },
    optimizer: { type: "categorical", choices: ["sgd", "adam"], weights: [1, 3] },
    momentum: { type: "float", low: 0, high: 0.99, scale: "reverse-log", when: { optimizer: ["sgd"] } },
    size: { type: "ordinal", choices: [64, 128, 256] },
    plain: { type: "int", low: 0, high: 9, step: 3 },
  };
  expect(study).toMatchObject({
    space,
    lease: { seconds: 60 },
    constraints: [{ lr: 1, layers: 1, max: 9 }],
    forbidden: [{ optimizer: "sgd", size: 64 }],
  });
});

test("what Hone refuses is said in its words, with the fields; a misspelt argument is refused too", async () => {
  const { env } = await serveHandler();
  const script = `
import hone
for space, more in (({"lr": hone.float(1, 0)}, {}), ({"lr": hone.float(0, 1)}, {"parralel": 4})):
    try: hone.create_study("wrong", space, minimize="loss", trials=5, **more)
    except hone.Refused as error: print(error, error.status, error.type)
`;
  const out = await python(script, env);
  expect(out).toContain("/space/lr/low: low 1 is above high 0. Swap them. (invalid-input) 422 invalid-input");
  expect(out).toContain("parralel");
});

test("a failed trial keeps its reason, and the study goes on", async () => {
  const { env, get } = await serveHandler();
  const script = `
import hone
def objective(trial):
    if trial.number == 1: raise MemoryError("out of memory")
    return trial.params["x"]
study = hone.create_study("failing", {"x": hone.float(0, 1)}, minimize="loss", trials=3)
study.optimize(objective, catch=MemoryError)
print(study.id)
`;
  const id = (await python(script, env)).trim();
  const { trials } = await get<TrialPage>(`/studies/${id}/trials`);
  expect(trials.map((trial) => trial.state).sort()).toEqual(["completed", "completed", "failed"]);
  expect(trials.find((trial) => trial.number === 1)?.reason).toContain("MemoryError: out of memory");
});

test("the programs of its page run as they are shown", async () => {
  const page = readFileSync(join(PACKAGE, "README.md"), "utf8");
  const blocks = Array.from(page.matchAll(/^```python\n(.*?)^```/gms), ([, text = ""]) => text);
  const [whole = "", loop = "", pool = "", checkpoints = "", job = "", callback = ""] = blocks;
  expect(blocks).toHaveLength(6);
  const { env } = await serveHandler();
  const out = await python(
    `${whole}
import concurrent.futures, types
class Model:
    def __init__(self, lr): self.lr = lr
    def train(self): return self.lr
def run(trial):
    with trial: trial.tell(loss=1)
def again(): return hone.create_study("page", {"lr": hone.float(0, 1)}, minimize="loss", trials=3, algorithm="random")
study = again()
${loop}
print(study.info()["trials"]["completed"])
study = again()
${pool}
print(study.info()["trials"]["completed"])
study = hone.create_study("page", {"lr": hone.float(0, 1)}, minimize="l2", trials=1)
trial = study.ask()
params = data = None
def train(params, data, callbacks):
    callbacks[0](types.SimpleNamespace(iteration=8, evaluation_result_list=[("valid", "l2", 0.5, False)]))
lightgbm = types.SimpleNamespace(train=train)
${callback}
trial.tell()
print(study.best.values)
import os, pathlib, tempfile
os.chdir(tempfile.mkdtemp())
torch = types.SimpleNamespace(
    load=lambda path: {"epoch": int(pathlib.Path(path).read_text())},
    save=lambda state, path: pathlib.Path(path).write_text(str(state["epoch"])),
)
start = lambda params: {"epoch": 0}
begun = []
def train_epoch(epoch, state):
    begun.append(epoch)
    return 1 / epoch, {"epoch": epoch}
ladder = {"name": "asha", "type": "promotion", "resource": {"name": "epoch", "min": 1, "max": 3}}
study = hone.create_study("page", {"lr": hone.float(0, 1)}, minimize="loss", trials=4, scheduler=ladder)
${checkpoints}
study.optimize(train)
print(begun.count(1), sorted(set(begun)), len(begun) < 12)
os.environ.update(HONE_RUNNER="1", HONE_PARAMS='{"lr": 1}', HONE_TRIAL="0", HONE_ATTEMPT="1")
train = lambda params: params["lr"]
${job}
`,
    env,
  );
  expect(out).toMatch(
    /^Result\(number=\d+, params=.*\n3\n3\n\{'l2': 0\.5\}\n4 \[1, 2, 3\] True\n\{"loss": 1\}\n$/,
  );
});

test("the best of configurations with several runs has the standard errors of its means", async () => {
  const { env } = await serveHandler();
  const script = `
import hone, json
study = hone.create_study("noisy", {"x": hone.float(0, 1)}, minimize="loss", trials=3,
    evaluation={"type": "replicates", "count": 3})
print(json.dumps([study.best, study.best_trials]))
losses = iter([1, 2, 6])
study.optimize(lambda trial: next(losses))
print(study.best.values, study.best.standard_errors)
alone = hone.create_study("alone", {"x": hone.float(0, 1)}, minimize="loss", trials=1)
alone.optimize(lambda trial: 1)
print(alone.best.standard_errors)
`;
  // The standard deviation of 1, 2 and 6 is the root of 7.
  const error = Math.sqrt(7 / 3);
  const [none, best, alone] = (await python(script, env)).trim().split("\n");
  expect([none, alone]).toEqual(["[null, []]", "None"]);
  const [, mean, told] = best?.match(/^\{'loss': (.*)\} \{'loss': (.*)\}$/) ?? [];
  expect(Number(mean)).toBeCloseTo(3, 12);
  expect(Number(told)).toBeCloseTo(error, 12);
});

test("a population goes on from the checkpoints of its best, and its schedule can be read and repeated", async () => {
  const { env } = await serveHandler();
  const script = `
import hone
study = hone.create_study("pbt", {"rate": hone.float(0.1, 1)}, maximize="x", trials=6,
    algorithm={"name": "pbt", "population": 2, "seed": 3}, scheduler={"resource": {"name": "step", "min": 2, "max": 6}})
def step(x, rate, steps): return x + steps * (1 - (rate - 0.5) ** 2)
states = {}
def train(trial):
    x = states[trial.checkpoint] if trial.checkpoint else 0
    assert (trial.parent is None) == (trial.checkpoint is None)
    states[f"s3://mine/{trial.number}"] = x = step(x, trial.params["rate"], 2)
    trial.tell(x=x, checkpoint=f"s3://mine/{trial.number}")
study.optimize(train)
x = 0
for segment in study.schedule():
    x = step(x, segment.params["rate"], segment.end - segment.start)
    assert abs(segment.values["x"] - x) < 1e-9, (segment, x)
print(len(study.schedule()), abs(study.best.values["x"] - x) < 1e-9, len(study.schedule(trial=0)))
`;
  expect((await python(script, env)).trim()).toBe("3 True 1");
});
