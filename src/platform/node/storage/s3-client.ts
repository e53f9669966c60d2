// What speaks to stores of objects, and what their answers mean. Where one is and who asks are what the AWS SDK's own environment says: AWS_ENDPOINT_URL,
// AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, profiles and roles.
import type { S3Client } from "@aws-sdk/client-s3";
import { NotFoundError, SaccadeError, UsageError } from "../../../errors.ts";
import { optionalPackage } from "../queues/optional-package.ts";

export type S3Sdk = typeof import("@aws-sdk/client-s3");

/** Looked up when it is run and not when a program is bundled, because it may not be there. */
const PACKAGE = "@aws-sdk/client-s3";

export interface S3Connection {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
}

/** Opens the store with the first request. */
export type OpenS3 = () => Promise<S3Connection>;

export function lazyS3(): OpenS3 {
  let opening: Promise<S3Connection> | undefined;
  return () => {
    opening ??= openS3();
    return opening;
  };
}

async function openS3(): Promise<S3Connection> {
  const load = () => import(PACKAGE) as Promise<S3Sdk>;
  const sdk = await optionalPackage(load, "a store of objects", PACKAGE);
  const isOwn = (process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL) !== undefined;
  // Other stores than Amazon's seldom have a name for each bucket. Not all of them know the checksums that the SDK asks for.
  const client = new sdk.S3Client({
    forcePathStyle: isOwn,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 5,
  });
  return { sdk, client };
}

export interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** @throws UsageError for an address without a bucket */
export function placeOf(path: string): Place {
  const [, bucket, key = ""] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
  if (bucket === undefined) throw new UsageError(`${path} names no bucket`, "s3://BUCKET/PREFIX");
  return { bucket, key };
}

/** What the keys of a folder begin with. */
export const folderPrefix = (key: string): string => (key === "" || key.endsWith("/") ? key : `${key}/`);

export function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata;
  return metadata?.httpStatusCode;
}

/** Of a request that is wrong as it is: another region's bucket, a name that no bucket has, something that the store does not do. */
function isRefusal(status: number | undefined, name: string): boolean {
  if (status === 501) return true;
  const mayPass = [408, 409, 425, 429].includes(status ?? 0) || /Timeout|SlowDown|Throttl/i.test(name);
  return status !== undefined && status >= 300 && status < 500 && !mayPass;
}

/** What an error of the SDK is here. "network" may pass. */
export function s3Failure(error: unknown, path: string): SaccadeError {
  if (error instanceof SaccadeError) return error;
  const status = statusOf(error);
  const { name, message } = error as Error;
  if (name === "NoSuchBucket") return new NotFoundError("bucket", `s3://${placeOf(path).bucket}`);
  if (status === 404) return new NotFoundError("object", path);
  const said = `${name}${message === "" || message === name ? "" : `: ${message.split("\n")[0]}`}`;
  // What the store refuses it will refuse again; what it cannot do now may pass.
  if (status === 401 || status === 403)
    return new SaccadeError("store_refused", `the store refuses ${path} (${said})`, {
      hint: "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they allow",
      cause: error,
    });
  if (name === "CredentialsProviderError" || /region is missing/i.test(message))
    return new SaccadeError("store_refused", `the store cannot be asked: ${said}`, {
      hint: "set AWS_REGION and credentials; AWS_ENDPOINT_URL for another store than Amazon's",
      cause: error,
    });
  if (isRefusal(status, name))
    return new SaccadeError("store_refused", `the store refuses ${path} (${said})`, {
      hint: "check the names of bucket and prefix, AWS_REGION and AWS_ENDPOINT_URL",
      cause: error,
    });
  return new SaccadeError("network", `the store does not answer for ${path} (${said})`, { cause: error });
}
