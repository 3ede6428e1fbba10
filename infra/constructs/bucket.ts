import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { BlockPublicAccess, BucketEncryption, ObjectOwnership, Bucket as S3Bucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { AUDITS, CHECKPOINTS } from "../../shared/deployment.ts";

export interface BucketProps {
  /** Deleted with the stack, if it is empty. */
  readonly ephemeral: boolean;
}

/**
 * The checkpoints of trials. Not versioned: each has a key of its own, and is deleted when nobody needs it. The rules are the last
 * net: what was uploaded after everything else had ended, and trials that have been paused for months.
 */
export class Bucket extends Construct {
  readonly bucket: S3Bucket;

  constructor(scope: Construct, id: string, { ephemeral }: BucketProps) {
    super(scope, id);
    this.bucket = new S3Bucket(this, "Bucket", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      encryption: BucketEncryption.S3_MANAGED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      versioned: false,
      lifecycleRules: [
        { id: "checkpoints", prefix: CHECKPOINTS, expiration: Duration.days(90) },
        { id: "exports", prefix: AUDITS, expiration: Duration.days(7) },
        { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(2) },
      ],
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
  }
}
