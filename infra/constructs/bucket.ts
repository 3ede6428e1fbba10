import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { BlockPublicAccess, BucketEncryption, ObjectOwnership, Bucket as S3Bucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";

export interface BucketProps {
  /** Deleted with the stack, if it is empty. */
  readonly ephemeral: boolean;
}

/** Checkpoints and artefacts of trials. Not versioned, because each checkpoint replaces the last one. */
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
        { id: "checkpoints", prefix: "checkpoints/", expiration: Duration.days(30) },
        { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(2) },
      ],
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
  }
}
