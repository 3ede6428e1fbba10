import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { type Bundles, bundleFile, lambdas } from "../../infra/bundles.ts";
import { makeStacks } from "../../infra/stacks.ts";

/** The parts of a template's resource that the tests read. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

export interface Synthesized {
  readonly core: Template;
  readonly compute: Template | null;
  /** Names of the stacks, in order. */
  readonly stacks: readonly string[];
}

export interface Options {
  readonly context?: Readonly<Record<string, string>>;
  /** The CDK's own validation of templates, which takes seconds; cdk-nag runs in any case. */
  readonly validate?: boolean;
  /** Changes the app before it is synthesized, for example to add a fault. */
  readonly before?: (app: App) => void;
  /** Output folder of the templates; without it they are removed. */
  readonly outdir?: string;
}

const settings = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8")) as {
  context: Record<string, unknown>;
};

/** Synthesizes the app as `infra/app.ts` does, with empty Lambdas, in a folder of its own. */
export const synthesize = (options: Options = {}): Synthesized => {
  const folder = mkdtempSync(join(tmpdir(), "hone-synth-"));
  try {
    const app = new App({
      outdir: options.outdir ?? join(folder, "out"),
      context: { ...settings.context, ...options.context },
      builtinCloudFormationValidation: options.validate ?? false,
    });
    const { core, compute } = makeStacks(app, emptyBundles(folder));
    options.before?.(app);
    const assembly = app.synth();
    const template = (name: string) => assembly.getStackByName(name).template as Template;
    return {
      core: template(core.stackName),
      compute: compute === null ? null : template(compute.stackName),
      stacks: assembly.stacks.map(({ stackName }) => stackName),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** The compute stack of an environment that has one. */
export const synthesizeBoth = (options: Options = {}): { core: Template; compute: Template } => {
  const { core, compute } = synthesize(options);
  if (compute === null) throw new Error("This environment has no compute stack.");
  return { core, compute };
};

const emptyBundles = (folder: string): Bundles =>
  Object.fromEntries(
    lambdas.map((name) => {
      const bundle = join(folder, name);
      mkdirSync(bundle);
      writeFileSync(join(bundle, bundleFile), `exports.handler = async () => "${name}";\n`);
      return [name, bundle];
    }),
  ) as Record<(typeof lambdas)[number], string>;

/** Logical id and resource of everything of a type. */
export const ofType = (template: Template, type: string): [string, Resource][] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

/** The logical id that a `Ref` or `Fn::GetAtt` points to. */
export const target = (value: unknown): string | null => {
  const { Ref, "Fn::GetAtt": attribute } = (value ?? {}) as { Ref?: string; "Fn::GetAtt"?: [string, string] };
  return attribute?.[0] ?? Ref ?? null;
};

const pseudo: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "eu-west-1",
  "AWS::AccountId": "111122223333",
  "AWS::URLSuffix": "amazonaws.com",
};

/** A property as one string, with the pseudo parameters filled in and references as `<LogicalId.Attribute>`. */
export const flat = (value: unknown): string => {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  const { Ref, "Fn::GetAtt": attribute, "Fn::Join": join } = value as Record<string, unknown>;
  if (typeof Ref === "string") return pseudo[Ref] ?? `<${Ref}>`;
  if (Array.isArray(attribute)) return `<${attribute.join(".")}>`;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(flat).join(String(join[0]));
  throw new Error(`Cannot flatten ${JSON.stringify(value)}`);
};

export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** The statements of all `AWS::IAM::Policy` attached to a role. */
export const statementsOfRole = (template: Template, role: string): Statement[] =>
  ofType(template, "AWS::IAM::Policy")
    .filter(([, { Properties }]) => (Properties.Roles as unknown[]).some((it) => target(it) === role))
    .flatMap(([, { Properties }]) => statements(Properties.PolicyDocument));

/** Every statement of every identity policy of a template. */
export const allStatements = (template: Template): Statement[] =>
  ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"]
    .flatMap((type) => ofType(template, type))
    .flatMap(([, { Properties }]) => statements(Properties.PolicyDocument));

const statements = (document: unknown): Statement[] =>
  (document as { Statement: { Effect: string; Action: unknown; Resource: unknown }[] }).Statement.map(
    ({ Effect, Action, Resource }) => ({
      effect: Effect,
      actions: list(Action).map(flat),
      resources: list(Resource).map(flat),
    }),
  );

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** Logical id and resource of the Lambda of `functions/<name>/`. */
export const lambdaOf = (template: Template, name: string): [string, Resource] => {
  const found = ofType(template, "AWS::Lambda::Function").find(([id]) => id.startsWith(`${name}Function`));
  if (found === undefined) throw new Error(`No Lambda named ${name}.`);
  return found;
};
