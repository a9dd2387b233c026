/**
 * What tells of `config/` and `render/` and starts no program, as one file: a mutant then costs one start of a worker. Those
 * first that are quick and kill much. Of `test/config/` two are not among them, since no mutant is worth their seconds:
 * `mutations.test.ts`, which judges by rates, and `editors.test.ts`, which asks of each invalid file what another says already.
 */
import "../config/generated.test.ts";
import "../config/invalid.test.ts";
import "../../src/config/load.test.ts";
import "../../src/config/characters.test.ts";
import "../../src/config/check.test.ts";
import "../../src/config/diagnostic.test.ts";
import "../../src/config/edit.test.ts";
import "../../src/config/gitops.test.ts";
import "../../src/config/json-schema.test.ts";
import "../../src/config/lock.test.ts";
import "../../src/config/model.test.ts";
import "../../src/config/network-rules.test.ts";
import "../../src/config/node-rules.test.ts";
import "../../src/config/nodes.test.ts";
import "../../src/config/rules.test.ts";
import "../../src/config/schema.test.ts";
import "../../src/config/shape.test.ts";
import "../../src/config/snapshots.test.ts";
import "../../src/config/suggest.test.ts";
import "../../src/config/syntax-faults.test.ts";
import "../../src/config/type-fault.test.ts";
import "../../src/config/volume-backups.test.ts";
import "../../src/render/yaml.test.ts";
import "../../src/render/group-vars.test.ts";
import "../../src/render/project.test.ts";
import "../../src/render/tfvars.test.ts";
import "../../src/render/kubernetes/kubernetes.test.ts";
import "../golden/golden.test.ts";
