import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, Billing, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";

export interface TableProps {
  /** Goes with the stack. Otherwise it stays, and nobody can delete it by mistake. */
  readonly ephemeral: boolean;
}

/** The one table (`shared/store/keys.ts` has its keys): paid by the request, restorable to any second of 35 days. */
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
