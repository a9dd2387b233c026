# Run on the master by root: what somebody can do with the keys of R2 that lie in the cluster. DATA: {bucket, others, api, prefixes, work}
import base64
import configparser
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, "/usr/local/lib/infra-k3s/second-line")
sys.dont_write_bytecode = True
import s3

etcd = s3.opened("/etc/rancher/k3s/config.yaml.d/infra-k3s-s3.yaml")
secret = ["k3s", "kubectl", "--namespace=velero", "get", "secret", "r2", "--output=jsonpath={.data.cloud}"]
profile = configparser.ConfigParser()
profile.read_string(base64.b64decode(subprocess.run(secret, check=True, capture_output=True).stdout).decode())
found = profile[profile.sections()[0]]
velero = s3.Bucket(etcd.host, etcd.name, found["aws_access_key_id"], found["aws_secret_access_key"])
keys = {"etcd": etcd, "velero": velero}


def said(bucket, *request, **more):
    """What R2 says: its code where it refuses, else its status."""
    try:
        bucket.ask(*request, **more)
        return "done"
    except s3.Refused as error:
        return error.code or str(error.status)


def in_parts(bucket, key):
    begun = bucket.ask("POST", key, {"uploads": ""}).decode()
    upload = re.search("<UploadId>([^<]+)", begun).group(1)
    bucket.ask("PUT", key, {"partNumber": "1", "uploadId": upload}, body=b"ransom")
    etags = re.findall("<ETag>(.*?)</ETag>", bucket.ask("GET", key, {"uploadId": upload}).decode())
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etags[0]}</ETag></Part></CompleteMultipartUpload>"
    answer = said(bucket, "POST", key, {"uploadId": upload}, body=body.encode())
    said(bucket, "DELETE", key, {"uploadId": upload})
    return answer


def with_others(bucket, names):
    objects = "".join(f"<Object><Key>{name}</Key></Object>" for name in names)
    return said(bucket, "POST", "", {"delete": ""}, body=f"<Delete>{objects}</Delete>".encode())


def locked():
    """For each prefix: how many objects there are, and every answer that is no refusal by the lock."""
    result = {}
    for name, bucket in keys.items():
        for prefix in DATA["prefixes"]:
            there = sorted(bucket.list(prefix))
            tries = [("delete", key) for key in there] + [("overwrite", key) for key in there]
            answer = lambda one: said(bucket, "DELETE", one[1]) if one[0] == "delete" else said(bucket, "PUT", one[1], body=b"ransom")
            answers = [(*one, word) for one, word in zip(tries, bucket.each(answer, tries))]
            if there:
                copy = {"x-amz-copy-source": f"/{bucket.name}/{there[-1]}"}
                answers.append(("in parts", there[0], in_parts(bucket, there[0])))
                answers.append(("with others", there[0], with_others(bucket, there[:100])))
                answers.append(("copied over", there[0], said(bucket, "PUT", there[0], headers=copy)))
            wrong = [one for one in answers if one[2] != "ObjectLockedByBucketPolicy"]
            result[f"{name} {prefix}"] = {"objects": len(there), "tries": len(answers), "wrong": wrong}
    return result


def settings():
    """What a key for objects may not: the bucket's settings, other buckets, Cloudflare's API."""
    answers = {}
    for name, bucket in keys.items():
        rule = b"<LifecycleConfiguration><Rule><ID>x</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
        answers[f"{name} lifecycle"] = said(bucket, "PUT", "", {"lifecycle": ""}, body=rule)
        answers[f"{name} no lifecycle"] = said(bucket, "DELETE", "", {"lifecycle": ""})
        for other in DATA["others"]:
            foreign = s3.Bucket(bucket.host, other, bucket.key_id, bucket.secret)
            answers[f"{name} list {other}"] = said(foreign, "GET", "", {"list-type": "2"})
            copy = {"x-amz-copy-source": f"/{other}/cloudflare.tfstate"}
            answers[f"{name} copy of {other}"] = said(bucket, "PUT", "stolen", headers=copy)
            answers[f"{name} write {other}"] = said(foreign, "PUT", "stolen", body=b"x")
        for what in ("lock", "lifecycle"):
            request = urllib.request.Request(f"{DATA['api']}/{what}", data=b'{"rules": []}', method="PUT")
            request.add_header("authorization", f"Bearer {bucket.secret}")
            request.add_header("content-type", "application/json")
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    answers[f"{name} api {what}"] = str(response.status)
            except urllib.error.HTTPError as error:
                answers[f"{name} api {what}"] = str(error.code)
    return answers


def free():
    """What is not locked can be overwritten and deleted: the tries are real ones."""
    return {name: [said(one, "PUT", "free", body=b"1"), said(one, "PUT", "free", body=b"2"), in_parts(one, "free"), said(one, "DELETE", "free")] for name, one in keys.items()}


def emptied():
    """As a thief with Velero's key does; how many objects are left."""
    velero.each(velero.delete, sorted(velero.list("velero/")))
    return len(velero.list("velero/"))


works = {"locked": locked, "settings": settings, "free": free, "emptied": emptied}
if "plant" in DATA:
    etcd.write(DATA["plant"], b"an inventory")
print(json.dumps({name: works[name]() for name in DATA["work"]}))
