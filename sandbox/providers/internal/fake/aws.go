package fake

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"
)

// EC2 answers as https://docs.aws.amazon.com/AWSEC2/latest/APIReference/ has it, in XML, and as STS.
func EC2(t *testing.T) *API {
	api := &API{Things: map[string]map[string]Object{}, last: 1000}
	api.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.mutex.Lock()
		defer api.mutex.Unlock()
		_ = r.ParseForm()
		action := r.Form.Get("Action")
		if !strings.HasPrefix(action, "Describe") && !strings.HasPrefix(action, "Get") {
			api.Changes = append(api.Changes, action)
		}
		status, body := api.ec2(action, r.Form)
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(api.Close)
	return api
}

func (a *API) ec2(action string, form url.Values) (int, string) {
	ok := func(inside string) (int, string) {
		return 200, fmt.Sprintf(`<%sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">%s</%sResponse>`, action, inside, action)
	}
	fail := func(code string) (int, string) {
		return 400, "<Response><Errors><Error><Code>" + code + "</Code><Message>no</Message></Error></Errors></Response>"
	}
	describe := func(collection string, id string, code string, set string) (int, string) {
		if thing, found := a.Things[collection][id]; found {
			return ok("<" + set + "><item>" + xml(thing) + "</item></" + set + ">")
		}
		return fail(code)
	}
	tags := func(kind string) []any {
		list := []any{}
		for i := 1; form.Has(fmt.Sprintf("TagSpecification.%d.ResourceType", i)); i++ {
			prefix := fmt.Sprintf("TagSpecification.%d.", i)
			if form.Get(prefix+"ResourceType") != kind {
				continue
			}
			for j := 1; form.Has(fmt.Sprintf("%sTag.%d.Key", prefix, j)); j++ {
				list = append(list, Object{"key": form.Get(fmt.Sprintf("%sTag.%d.Key", prefix, j)), "value": form.Get(fmt.Sprintf("%sTag.%d.Value", prefix, j))})
			}
		}
		return list
	}
	switch action {
	case "GetCallerIdentity":
		return 200, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	case "DescribeImages":
		return ok(`<imagesSet><item><imageId>ami-old</imageId><name>debian-12-amd64-1</name><creationDate>2025-01-01</creationDate><rootDeviceName>/dev/xvda</rootDeviceName></item><item><imageId>ami-new</imageId><name>debian-12-amd64-2</name><creationDate>2026-01-01</creationDate><rootDeviceName>/dev/xvda</rootDeviceName></item></imagesSet>`)
	case "DescribeVpcs":
		return ok(`<vpcSet><item><vpcId>vpc-1</vpcId><isDefault>true</isDefault><cidrBlock>172.31.0.0/16</cidrBlock></item></vpcSet>`)
	case "DescribeSubnets":
		return ok(`<subnetSet><item><subnetId>subnet-1</subnetId></item></subnetSet>`)
	case "ImportKeyPair":
		a.put("keys", form.Get("KeyName"), Object{"keyName": form.Get("KeyName"), "keyPairId": "key-1", "keyFingerprint": "aa", "keyType": "ed25519", "tagSet": tags("key-pair")})
		return ok(xml(a.Things["keys"][form.Get("KeyName")]))
	case "DescribeKeyPairs":
		return describe("keys", form.Get("KeyName.1"), "InvalidKeyPair.NotFound", "keySet")
	case "DeleteKeyPair":
		delete(a.Things["keys"], form.Get("KeyName"))
		return ok("<return>true</return>")
	case "CreateSecurityGroup":
		id := fmt.Sprintf("sg-%d", a.id())
		a.put("groups", id, Object{"groupId": id, "groupName": form.Get("GroupName"), "groupDescription": form.Get("GroupDescription"), "vpcId": "vpc-1", "ownerId": "123456789012", "tagSet": tags("security-group")})
		return ok("<groupId>" + id + "</groupId>")
	case "DescribeSecurityGroups":
		return describe("groups", form.Get("GroupId.1"), "InvalidGroup.NotFound", "securityGroupInfo")
	case "DeleteSecurityGroup":
		delete(a.Things["groups"], form.Get("GroupId"))
		return ok("<return>true</return>")
	case "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress":
		id := fmt.Sprintf("sgr-%d", a.id())
		one := "IpPermissions.1."
		rule := Object{"securityGroupRuleId": id, "groupId": form.Get("GroupId"), "isEgress": action == "AuthorizeSecurityGroupEgress", "ipProtocol": form.Get(one + "IpProtocol"), "tagSet": tags("security-group-rule"), "fromPort": "-1", "toPort": "-1"}
		for name, parameter := range map[string]string{"fromPort": "FromPort", "toPort": "ToPort", "cidrIpv4": "IpRanges.1.CidrIp", "cidrIpv6": "Ipv6Ranges.1.CidrIpv6"} {
			if value := form.Get(one + parameter); value != "" {
				rule[name] = value
			}
		}
		a.put("rules", id, rule)
		return ok("<securityGroupRuleSet><item>" + xml(rule) + "</item></securityGroupRuleSet>")
	case "DescribeSecurityGroupRules":
		return describe("rules", form.Get("SecurityGroupRuleId.1"), "InvalidSecurityGroupRuleId.NotFound", "securityGroupRuleSet")
	case "ModifySecurityGroupRules":
		one := "SecurityGroupRule.1.SecurityGroupRule."
		merge(a.Things["rules"][form.Get("SecurityGroupRule.1.SecurityGroupRuleId")], Object{"fromPort": form.Get(one + "FromPort"), "toPort": form.Get(one + "ToPort")})
		return ok("<return>true</return>")
	case "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress":
		if id := form.Get("SecurityGroupRuleId.1"); id != "" {
			delete(a.Things["rules"], id)
			return ok("<return>true</return>")
		}
		return fail("InvalidPermission.NotFound")
	case "AllocateAddress":
		id := fmt.Sprintf("eipalloc-%d", a.id())
		a.put("addresses", id, Object{"allocationId": id, "publicIp": "192.0.2.9", "domain": "vpc", "tagSet": tags("elastic-ip")})
		return ok("<allocationId>" + id + "</allocationId>")
	case "AssociateAddress":
		merge(a.Things["addresses"][form.Get("AllocationId")], Object{"associationId": "eipassoc-1", "instanceId": form.Get("InstanceId")})
		return ok("<associationId>eipassoc-1</associationId>")
	case "DisassociateAddress":
		for _, one := range a.Things["addresses"] {
			delete(one, "associationId")
			delete(one, "instanceId")
		}
		return ok("<return>true</return>")
	case "DescribeAddresses":
		if id := form.Get("AllocationId.1"); id != "" {
			return describe("addresses", id, "InvalidAllocationID.NotFound", "addressesSet")
		}
		for id, one := range a.Things["addresses"] {
			if one["associationId"] == form.Get("Filter.1.Value.1") {
				return describe("addresses", id, "", "addressesSet")
			}
		}
		return ok("<addressesSet/>")
	case "ReleaseAddress":
		delete(a.Things["addresses"], form.Get("AllocationId"))
		return ok("<return>true</return>")
	case "CreateTags":
		for _, things := range a.Things {
			for id, thing := range things {
				if id == form.Get("ResourceId.1") || thing["keyPairId"] == form.Get("ResourceId.1") {
					thing["tagSet"] = []any{Object{"key": form.Get("Tag.1.Key"), "value": form.Get("Tag.1.Value")}}
				}
			}
		}
		return ok("<return>true</return>")
	}
	return a.instances(action, form, tags, ok, fail)
}

func (a *API) instances(action string, form url.Values, tags func(string) []any, ok func(string) (int, string), fail func(string) (int, string)) (int, string) {
	switch action {
	case "RunInstances":
		id := fmt.Sprintf("i-%d", a.id())
		volume := fmt.Sprintf("vol-%d", a.id())
		device := "BlockDeviceMapping.1.Ebs."
		a.put("volumes", volume, Object{"volumeId": volume, "size": form.Get(device + "VolumeSize"), "volumeType": form.Get(device + "VolumeType"), "encrypted": form.Get(device + "Encrypted"), "tagSet": tags("volume"), "iops": 3000, "throughput": 125})
		a.put("instances", id, Object{
			"instanceId": id, "imageId": form.Get("ImageId"), "instanceType": form.Get("InstanceType"), "keyName": form.Get("KeyName"),
			"instanceState": Object{"code": 0, "name": "pending"}, "privateIpAddress": "172.31.0.9", "ipAddress": "192.0.2.8",
			"groupSet": []any{Object{"groupId": form.Get("NetworkInterface.1.SecurityGroupId.1")}}, "sourceDestCheck": true,
			"rootDeviceName": "/dev/xvda", "tagSet": tags("instance"), "ebsOptimized": false,
			"blockDeviceMapping": []any{Object{"deviceName": "/dev/xvda", "ebs": Object{"volumeId": volume, "deleteOnTermination": true}}},
			"metadataOptions":    Object{"httpTokens": form.Get("MetadataOptions.HttpTokens"), "httpEndpoint": "enabled", "httpPutResponseHopLimit": form.Get("MetadataOptions.HttpPutResponseHopLimit")},
			"networkInterfaceSet": []any{Object{"networkInterfaceId": "eni-1", "association": Object{"publicIp": "192.0.2.8"},
				"ipv6AddressesSet": []any{Object{"ipv6Address": "2001:db8:3::8"}}}},
		})
		a.put("attributes", id, Object{"userData": form.Get("UserData"), "disableApiTermination": form.Get("DisableApiTermination")})
		return ok("<instancesSet><item>" + xml(a.Things["instances"][id]) + "</item></instancesSet>")
	case "DescribeInstances":
		thing, found := a.Things["instances"][form.Get("InstanceId.1")]
		if !found {
			return fail("InvalidInstanceID.NotFound")
		}
		answer := xml(thing)
		if state := thing["instanceState"].(Object); state["name"] == "pending" {
			state["name"] = "running"
		}
		return ok("<reservationSet><item><instancesSet><item>" + answer + "</item></instancesSet></item></reservationSet>")
	case "DescribeInstanceAttribute":
		name := form.Get("Attribute")
		value := fmt.Sprint(a.Things["attributes"][form.Get("InstanceId")][name])
		return ok("<instanceId>i</instanceId><" + name + "><value>" + value + "</value></" + name + ">")
	case "ModifyInstanceAttribute":
		for _, name := range []string{"DisableApiTermination"} {
			if value := form.Get(name + ".Value"); value != "" {
				a.Things["attributes"][form.Get("InstanceId")]["disableApiTermination"] = value
			}
		}
		if value := form.Get("InstanceType.Value"); value != "" {
			a.Things["instances"][form.Get("InstanceId")]["instanceType"] = value
		}
		return ok("<return>true</return>")
	case "StopInstances", "StartInstances", "TerminateInstances":
		id := form.Get("InstanceId.1")
		if action == "TerminateInstances" && a.Things["attributes"][id]["disableApiTermination"] == "true" {
			return fail("OperationNotPermitted")
		}
		state := map[string]string{"StopInstances": "stopped", "StartInstances": "running", "TerminateInstances": "terminated"}[action]
		a.Things["instances"][id]["instanceState"] = Object{"code": 1, "name": state}
		if state == "terminated" {
			delete(a.Things, "volumes")
			delete(a.Things["attributes"], id)
		}
		return ok("<instancesSet/>")
	case "DescribeVolumes":
		if thing, found := a.Things["volumes"][form.Get("VolumeId.1")]; found {
			return ok("<volumeSet><item>" + xml(thing) + "</item></volumeSet>")
		}
	}
	return fail("NotInTheFake." + action)
}

// UserData is what an instance was given.
func UserData(attributes Object) string {
	text, _ := base64.StdEncoding.DecodeString(attributes["userData"].(string))
	return string(text)
}

// xml writes a thing's fields; a list is items.
func xml(value any) string {
	switch value := value.(type) {
	case Object:
		names := []string{}
		for name := range value {
			names = append(names, name)
		}
		sort.Strings(names)
		text := ""
		for _, name := range names {
			if value[name] != "" {
				text += "<" + name + ">" + xml(value[name]) + "</" + name + ">"
			}
		}
		return text
	case []any:
		text := ""
		for _, one := range value {
			text += "<item>" + xml(one) + "</item>"
		}
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(fmt.Sprint(value), "&", "&amp;"), "<", "&lt;")
}
