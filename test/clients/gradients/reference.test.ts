import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, startPython } from "../python/driver.ts";

/** The reference in NumPy, by which the library is judged: `npm run test:gradients` compares the two. */

const HEAD = `
import numpy as np
from fractions import Fraction
from reference import *
chance = np.random.default_rng(7)
x, x_val = chance.normal(size=(40, 6)), chance.normal(size=(30, 6))
truth = np.array([2.0, -1, 0.5, 0, 0, 0])
start, h = chance.normal(size=6), np.log(chance.uniform(0.05, 0.5, 6))
numbers = ridge(x, x @ truth + chance.normal(size=40), x_val, x_val @ truth + chance.normal(size=30))
labels = logistic(x, (x @ truth > chance.normal(size=40)) * 1.0, x_val, (x_val @ truth > chance.normal(size=30)) * 1.0)
def near(a, b, tolerance=1e-6): assert np.abs(a - b).max() < tolerance, (a, b)
`;

const run = async (script: string) => {
  const PYTHONPATH = join(ROOT, "test/clients/gradients");
  const { code, stderr } = await startPython(["-c", HEAD + script], { PYTHONPATH }).ended;
  expect(code, stderr).toBe(0);
};

test("derivatives of the problems are those of their losses", () =>
  run(`
for problem in (numbers, labels):
    def bend(size, i): return problem.slope(start + size * np.eye(6)[i], h)
    near(problem.hessian(start, h), np.array([(bend(1e-5, i) - bend(-1e-5, i)) / 2e-5 for i in range(6)]))
    near(problem.val_slopes(start, h)[0], differences(lambda w: problem.val(w, h), start))
`));

test("reverse and forward mode are differences of what training ends with", () =>
  run(`
for problem in (numbers, labels):
    for momentum in (0.0, 0.9):
        end = lambda h: problem.val(train(problem, start, h, 0.05, momentum, 60)[-1], h)
        near(reverse(problem, start, h, 0.05, momentum, 60), differences(end, h))
        near(forward(problem, start, h, 0.05, momentum, 60), differences(end, h))
`));

test("truncated reverse mode leaves out what the steps before contribute", () =>
  run(`
middle = train(labels, start, h, 0.05, 0, 50)[-1]
end = lambda h: labels.val(train(labels, middle, h, 0.05, 0, 10)[-1], h)
near(reverse(labels, start, h, 0.05, 0, 60, last=10), differences(end, h))
`));

test("implicit gradients are differences of the optimum", () =>
  run(`
for problem in (numbers, labels):
    found = optimum(problem, np.zeros(6), h)
    end = lambda h: problem.val(optimum(problem, found, h), h)
    for inverse in (np.linalg.solve, neumann(0.3, 2000), conjugate_gradient(6)):
        near(implicit(problem, found, h, inverse), differences(end, h))
near(optimum(numbers, np.zeros(6), h), np.linalg.solve(numbers.hessian(start, h), -numbers.slope(np.zeros(6), h)))
`));

test("a truncated Neumann series is truncated back-propagation at the optimum", () =>
  run(`
found = optimum(labels, np.zeros(6), h)
near(implicit(labels, found, h, neumann(0.1, 9)), reverse(labels, found, h, 0.1, 0, 10, last=10), 1e-12)
`));

test("training in integers comes back to its start, and ends where training ends", () =>
  run(`
training = ExactTraining(labels, start, h, 0.05, Fraction(9, 10))
before = (list(training.w), list(training.v), list(training.rest))
for _ in range(500): training.step()
near(training.real(training.w), train(labels, start, h, 0.05, 0.9, 500)[-1], 1e-8)
assert max(training.rest) > 2**70
for _ in range(500): training.undo()
assert before == (training.w, training.v, training.rest)
`));
