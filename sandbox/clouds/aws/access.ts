import type { Request } from "../../services/api.ts";
import type { AwsKey } from "../credentials.ts";
import { Refusal } from "./answer.ts";
import { pattern } from "./query.ts";
import { credentialOf, isSignedBy, signedAt } from "../sigv4.ts";

export type Service = "ec2" | "sts" | "pricing";

/** Each service has words of its own for the same faults. */
const WORDS: Record<Service, Record<"missing" | "unknown" | "signature" | "expired", [string, number]>> = {
  ec2: {
    missing: ["MissingAuthenticationToken", 400],
    unknown: ["AuthFailure", 401],
    signature: ["AuthFailure", 401],
    expired: ["RequestExpired", 400],
  },
  sts: {
    missing: ["MissingAuthenticationToken", 403],
    unknown: ["InvalidClientTokenId", 403],
    signature: ["SignatureDoesNotMatch", 403],
    expired: ["SignatureDoesNotMatch", 403],
  },
  pricing: {
    missing: ["MissingAuthenticationTokenException", 400],
    unknown: ["UnrecognizedClientException", 400],
    signature: ["InvalidSignatureException", 400],
    expired: ["InvalidSignatureException", 400],
  },
};

const MESSAGES = {
  missing: "Request is missing Authentication Token",
  unknown: "The security token included in the request is invalid.",
  signature: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.", // prettier-ignore
  expired: "Signature expired",
};
const EC2_MESSAGE = "AWS was not able to validate the provided access credentials";

/** A request is good for so long: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
const LIFETIME = 5 * 60_000;

/** Whose key has signed the request. */
export function authenticate(
  request: Request,
  service: Service,
  region: string,
  keys: readonly AwsKey[],
  now: number,
): AwsKey {
  const refusal = (fault: keyof typeof MESSAGES) => {
    const [code, status] = WORDS[service][fault];
    return new Refusal(code, code === "AuthFailure" ? EC2_MESSAGE : MESSAGES[fault], status);
  };
  const sent = {
    ...request,
    url: request.path,
    headers: { ...request.headers, authorization: request.authorization },
  };
  const signed = credentialOf(sent);
  if (signed === undefined) throw refusal("missing");
  const key = keys.find(({ accessKeyId }) => accessKeyId === signed.id);
  if (key === undefined) throw refusal("unknown");
  const scoped =
    signed.service === service && signed.region === region && signed.signedHeaders.includes("host");
  if (!scoped || !isSignedBy(sent, signed, key.secretAccessKey)) throw refusal("signature");
  if (!(Math.abs(now - signedAt(request)) <= LIFETIME)) throw refusal("expired");
  return key;
}

/** IAM in small: a key may what one of its patterns names, such as `ec2:Describe*`. */
export function mayDo(key: AwsKey, action: string): boolean {
  return key.allow.some((one) => pattern(one.toLowerCase()).test(action.toLowerCase()));
}

export const userArn = (account: string, key: AwsKey) => `arn:aws:iam::${account}:user/${key.user}`;
