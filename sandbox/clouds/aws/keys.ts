import { createHash } from "node:crypto";
import { z } from "zod";
import { absent, Refusal } from "./answer.ts";
import { action, type Action, DONE, each, keepTags, tagSet } from "./call.ts";
import { Filters, Flag, selected, TagSpecifications, Texts } from "./query.ts";
import { type KeyPair, newId } from "./state.ts";

export const noKeyPair = absent("InvalidKeyPair.NotFound", "The key pair '%' does not exist");

export const keyActions: Record<string, Action> = {
  ImportKeyPair: action(
    {
      KeyName: z.string().min(1).max(255),
      PublicKeyMaterial: z.string(),
      TagSpecification: TagSpecifications,
    },
    (wanted, { change, now }) => {
      const publicKey = Buffer.from(wanted.PublicKeyMaterial, "base64").toString().trim();
      if (!/^(ssh-ed25519|ssh-rsa) [A-Za-z0-9+/=]+/.test(publicKey))
        throw new Refusal("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
      return change((region) => {
        const { KeyName: name, TagSpecification } = wanted;
        if (region.keys.some((key) => key.name === name))
          throw new Refusal("InvalidKeyPair.Duplicate", `The keypair already exists: ${name}`);
        const key = { id: newId("key"), name, publicKey, created: now };
        region.keys.push(key);
        keepTags(region, TagSpecification, { "key-pair": [key.id] });
        const { keyPairId, keyName, keyFingerprint } = shape(key);
        return { keyPairId, keyName, keyFingerprint, tagSet: tagSet(region.tags[key.id]) };
      });
    },
  ),

  DescribeKeyPairs: action(
    { KeyName: Texts, KeyPairId: Texts, Filter: Filters, IncludePublicKey: Flag.default(false) },
    (wanted, { read }) => {
      const { keys, tags } = read();
      const byName = each(keys, wanted.KeyName, ({ name }) => name, noKeyPair);
      const byId = each(keys, wanted.KeyPairId, ({ id }) => id, noKeyPair); // prettier-ignore
      const named = wanted.KeyName.length + wanted.KeyPairId.length === 0 ? keys : [...byName, ...byId];
      const kept = selected(
        named,
        wanted.Filter,
        (key) => ({ "key-name": key.name, "key-pair-id": key.id, fingerprint: shape(key).keyFingerprint }),
        ({ id }) => tags[id] ?? {},
      );
      return {
        keySet: kept.map((key) => ({
          ...shape(key),
          tagSet: tagSet(tags[key.id]),
          publicKey: wanted.IncludePublicKey ? key.publicKey : undefined,
        })),
      };
    },
  ),

  // Of a key that is not there: done, as the real one answers.
  DeleteKeyPair: action(
    { KeyName: z.string().optional(), KeyPairId: z.string().optional() },
    ({ KeyName, KeyPairId }, { change }) =>
      change((region) => {
        if (KeyName === undefined && KeyPairId === undefined)
          throw new Refusal("MissingParameter", "The request must contain the parameter KeyName");
        const key = region.keys.find(({ name, id }) => name === KeyName || id === KeyPairId);
        region.keys = region.keys.filter((other) => other !== key);
        if (key !== undefined) delete region.tags[key.id];
        return { ...DONE, keyPairId: key?.id };
      }),
  ),
};

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html */
function shape({ id, name, publicKey, created }: KeyPair) {
  const [kind = "", data = ""] = publicKey.split(" ");
  const ed25519 = kind === "ssh-ed25519";
  const bytes = Buffer.from(data, "base64");
  const md5 = createHash("md5").update(bytes).digest("hex");
  const keyFingerprint = ed25519
    ? createHash("sha256").update(bytes).digest("base64")
    : (md5.match(/../g)?.join(":") ?? "");
  return {
    keyPairId: id,
    keyName: name,
    keyType: ed25519 ? "ed25519" : "rsa",
    keyFingerprint,
    createTime: new Date(created).toISOString(),
  };
}
