import { ofType, type Template, target } from "../infra/synthesize.ts";

/** Pseudo parameters of the emulator, where the calls were recorded. */
const pseudo: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "us-east-1",
  "AWS::AccountId": "000000000000",
  "AWS::URLSuffix": "amazonaws.com",
};
export const ACCOUNT = "000000000000";

const arnOf = (rest: string): string => `arn:aws:${rest}`;
/** The ARN of a resource whose `Ref` is `id`. */
const arns: Readonly<Record<string, (id: string) => string>> = {
  "AWS::DynamoDB::GlobalTable": (id) => arnOf(`dynamodb:us-east-1:${ACCOUNT}:table/${id}`),
  "AWS::SQS::Queue": (id) => arnOf(`sqs:us-east-1:${ACCOUNT}:${id.replace(/^.*\//, "")}`),
  "AWS::Lambda::Function": (id) => arnOf(`lambda:us-east-1:${ACCOUNT}:function:${id}`),
  "AWS::Logs::LogGroup": (id) => arnOf(`logs:us-east-1:${ACCOUNT}:log-group:${id}:*`),
  "AWS::IAM::Role": (id) => arnOf(`iam::${ACCOUNT}:role/${id}`),
  "AWS::Events::Rule": (id) => arnOf(`events:us-east-1:${ACCOUNT}:rule/${id}`),
  "AWS::S3::Bucket": (id) => arnOf(`s3:::${id}`),
};

export interface Document {
  readonly Statement: readonly Statement[];
}
export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

export interface Role {
  /** Name of the Lambda, or of the construct that has the role. */
  readonly name: string;
  readonly arn: string;
  /** Who may assume the role. */
  readonly trust: Document;
  readonly policies: readonly Document[];
}

/** The template for AWS, with the names that its resources have in the emulator. */
export class Deployment {
  readonly template: Template;
  readonly roles: readonly Role[];
  readonly #ids: Readonly<Record<string, string>>;

  /** @param ids physical ids by logical ids. */
  constructor(template: Template, ids: Readonly<Record<string, string>>) {
    this.template = template;
    this.#ids = ids;
    const policies = ofType(template, "AWS::IAM::Policy").map(([, { Properties }]) => Properties);
    this.roles = ofType(template, "AWS::IAM::Role").map(([id, { Properties }]) => ({
      name: id.replace(/Role[0-9A-F]{8}$/, ""),
      arn: this.arn(id),
      trust: this.resolve(Properties.AssumeRolePolicyDocument) as Document,
      policies: policies
        .filter(({ Roles }) => (Roles as unknown[]).some((role) => target(role) === id))
        .map(({ PolicyDocument }) => this.resolve(PolicyDocument) as Document),
    }));
  }

  /** @throws Error when no role has that name. */
  role(name: string): Role {
    const found = this.roles.find((role) => role.name === name);
    if (found === undefined) throw new Error(`The stack has no role of ${name}.`);
    return found;
  }

  /** The role whose ARN a property refers to. */
  roleOf(reference: unknown): Role {
    const arn = this.resolve(reference);
    const found = this.roles.find((role) => role.arn === arn);
    if (found === undefined) throw new Error(`The stack has no role ${arn}.`);
    return found;
  }

  /** Resources of a type: logical ids and resolved properties. */
  ofType<T>(type: string): [id: string, properties: T][] {
    return ofType(this.template, type).map(([id, { Properties }]) => [id, this.resolve(Properties) as T]);
  }

  arn(id: string): string {
    const type = this.template.Resources[id]?.Type ?? "nothing";
    const make = arns[type];
    if (make === undefined) throw new Error(`We do not know the ARN of ${id}, ${type}.`);
    return make(this.id(id));
  }

  /** Evaluates intrinsic functions as CloudFormation does. @throws Error for an unknown function. */
  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.resolve(item));
    if (typeof value !== "object" || value === null) return value;
    const {
      Ref,
      "Fn::GetAtt": attribute,
      "Fn::Join": join,
      "Fn::Sub": sub,
    } = value as Record<string, unknown>;
    if (typeof Ref === "string") return pseudo[Ref] ?? this.id(Ref);
    if (Array.isArray(attribute)) return this.#attribute(String(attribute[0]), String(attribute[1]));
    if (Array.isArray(join))
      return (join[1] as unknown[]).map((part) => this.resolve(part)).join(String(join[0]));
    if (typeof sub === "string")
      return sub.replace(/\$\{([^}]+)\}/g, (_, name) => pseudo[name] ?? this.id(name));
    const unknown = Object.keys(value).find((key) => key.startsWith("Fn::"));
    if (unknown !== undefined) throw new Error(`We do not resolve ${unknown}.`);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.resolve(item)]));
  }

  #attribute(id: string, name: string): string {
    return name === "Arn" ? this.arn(id) : `${this.id(id)}.${name}`;
  }

  /** The physical id of a resource in the emulator, by its logical id. */
  id(id: string): string {
    const physical = this.#ids[id];
    if (physical === undefined) throw new Error(`${id} is not deployed in the emulator.`);
    return physical;
  }
}
