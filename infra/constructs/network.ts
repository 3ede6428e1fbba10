import type { RemovalPolicy } from "aws-cdk-lib";
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";

export interface NetworkProps {
  readonly zones: number;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The network of jobs: public subnets, no inbound traffic, and no NAT gateway, which would cost $32.85 per month when idle.
 * Instances reach the registry, the API and storage with their own public addresses.
 */
export class Network extends Construct {
  readonly vpc: Vpc;
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { zones, logRetention, removalPolicy }: NetworkProps) {
    super(scope, id);
    this.vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr("10.0.0.0/16"),
      maxAzs: zones,
      natGateways: 0,
      subnetConfiguration: [
        { name: "jobs", subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: true, cidrMask: 20 },
      ],
      // Free, and keeps checkpoints and image layers off the internet.
      gatewayEndpoints: { s3: { service: GatewayVpcEndpointAwsService.S3 } },
      flowLogs: {
        rejected: {
          trafficType: FlowLogTrafficType.REJECT,
          destination: FlowLogDestination.toCloudWatchLogs(
            new LogGroup(this, "FlowLog", { retention: logRetention, removalPolicy }),
          ),
        },
      },
    });
    this.securityGroup = new SecurityGroup(this, "Jobs", {
      vpc: this.vpc,
      description: "Hone trials: everything out, nothing in",
      allowAllOutbound: true,
    });
  }
}
