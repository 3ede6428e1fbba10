/**
 * Where Lambdas have their credentials: the environment. The SDK's own chain goes on to profiles, SSO, web identities and instance metadata,
 * 80 kB of code that no Lambda runs, so `infra/bundles.ts` puts this in its place.
 */
export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";
