import { z } from "zod";
import { ok, parseBody, Refusal } from "./answer.ts";
import type { Answer, Routes } from "./api.ts";
import { accountResource } from "./permissions.ts";
import type { Account, Bucket } from "./state.ts";

const PATH = "/client/v4/accounts/{account}/r2/buckets";
const CreateSchema = z.strictObject({
  name: z.string(),
  locationHint: z.string().optional(),
  storageClass: z.enum(["Standard", "InfrequentAccess"]).default("Standard"),
});
const LockSchema = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        id: z.string(),
        enabled: z.boolean(),
        prefix: z.string().optional(),
        condition: z.discriminatedUnion("type", [
          z.strictObject({ type: z.literal("Age"), maxAgeSeconds: z.int().positive() }),
          z.strictObject({ type: z.literal("Date"), date: z.string() }),
          z.strictObject({ type: z.literal("Indefinite") }),
        ]),
      }),
    )
    .default([]),
});
const LifecycleSchema = z.strictObject({
  rules: z
    .array(
      z
        .object({ id: z.string(), enabled: z.boolean(), conditions: z.object({ prefix: z.string() }) })
        .loose(),
    )
    .default([]),
});

/** What the S3 server behind the gate is told of buckets. */
export interface Storage {
  createBucket(name: string): Promise<void>;
  /** False where it is not empty. */
  deleteBucket(name: string): Promise<boolean>;
}

const write = (answer: Answer): Routes[string] => ({
  needs: ["Workers R2 Storage Write", accountResource],
  answer,
});
const read = (answer: Answer): Routes[string] => ({
  needs: ["Workers R2 Storage Read", accountResource],
  answer,
});

/** Buckets; their objects are the gate's. https://developers.cloudflare.com/api/resources/r2/subresources/buckets/ */
export function r2Routes(storage: Storage): Routes {
  return {
    [`GET ${PATH}`]: read(({ account, query }) => {
      const contains = query.get("name_contains") ?? "";
      const buckets = account.buckets.filter(({ name }) => name.includes(contains)).map(show);
      return ok({ buckets });
    }),
    [`POST ${PATH}`]: write(async ({ account, change, body }) => {
      const { name, locationHint, storageClass } = parseBody(CreateSchema, body);
      if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name))
        throw new Refusal(400, 10005, "The specified bucket name is not valid.");
      if (account.buckets.some((bucket) => bucket.name === name))
        throw new Refusal(409, 10004, "The bucket you tried to create already exists, and you own it.");
      await storage.createBucket(name);
      return change((state) => {
        const bucket = {
          name,
          creation_date: new Date().toISOString(),
          location: locationHint ?? "EEUR",
          storage_class: storageClass,
          lifecycle: [],
          lock: [],
        };
        state.buckets.push(bucket);
        return ok(show(bucket));
      });
    }),
    [`GET ${PATH}/{bucket}`]: read(({ account, parameters }) =>
      ok(show(find(account, parameters["bucket"]))),
    ),
    [`PATCH ${PATH}/{bucket}`]: write(({ change, parameters, headers }) =>
      change((account) => {
        const bucket = find(account, parameters["bucket"]);
        bucket.storage_class = String(headers["cf-r2-storage-class"] ?? bucket.storage_class);
        return ok(show(bucket));
      }),
    ),
    [`DELETE ${PATH}/{bucket}`]: write(async ({ account, change, parameters }) => {
      const { name } = find(account, parameters["bucket"]);
      if (!(await storage.deleteBucket(name)))
        throw new Refusal(409, 10008, "The bucket you tried to delete is not empty.");
      return change((state) => {
        state.buckets = state.buckets.filter((bucket) => bucket.name !== name);
        return ok({});
      });
    }),
    [`GET ${PATH}/{bucket}/lifecycle`]: read(({ account, parameters }) =>
      ok({ rules: find(account, parameters["bucket"]).lifecycle }),
    ),
    [`PUT ${PATH}/{bucket}/lifecycle`]: write(({ change, parameters, body }) =>
      change((account) => {
        find(account, parameters["bucket"]).lifecycle = parseBody(LifecycleSchema, body).rules;
        return ok({});
      }),
    ),
    [`GET ${PATH}/{bucket}/lock`]: read(({ account, parameters }) =>
      ok({ rules: find(account, parameters["bucket"]).lock }),
    ),
    [`PUT ${PATH}/{bucket}/lock`]: write(({ change, parameters, body }) =>
      change((account) => {
        find(account, parameters["bucket"]).lock = parseBody(LockSchema, body).rules;
        return ok({});
      }),
    ),
  };
}

function find(account: Account, name: string | undefined): Bucket {
  const bucket = account.buckets.find((one) => one.name === name);
  if (bucket === undefined) throw new Refusal(404, 10006, "The specified bucket does not exist.");
  return bucket;
}

const show = ({ name, creation_date, location, storage_class }: Bucket) => ({
  name,
  creation_date,
  location,
  jurisdiction: "default",
  storage_class,
});
