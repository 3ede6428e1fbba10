import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, Billing, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";

export interface TableProps {
  /** Deleted with the stack. Otherwise it is kept and protected against deletion. */
  readonly ephemeral: boolean;
}

/** The only table (`shared/store/keys.ts` has its keys), billed per request, with point-in-time recovery for 35 days. */
export class Table extends Construct {
  readonly table: TableV2;

  constructor(scope: Construct, id: string, { ephemeral }: TableProps) {
    super(scope, id);
    this.table = new TableV2(this, "Table", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: "ttl",
      deletionProtection: !ephemeral,
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
  }
}
