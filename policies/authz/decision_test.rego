package grantgate.authz_test

import data.grantgate.authz

now := 1795428000

request := {
	"subject": "user:ann@example.com",
	"groups": ["group:billing"],
	"api": "orders",
	"operation": "getOrder",
	"method": "GET",
	"path": "/v1/orders/{orderId}",
	"networks": [],
	"mfa": false,
	"time": now,
}

people := {
	"user:ann@example.com": {"active": true, "groups": ["group:billing", "group:finance"]},
	"user:bob@example.com": {"active": true, "groups": []},
	"user:gone@example.com": {"active": false, "groups": ["group:billing"]},
	"service:invoicer": {"active": true, "groups": []},
	"service:retired": {"active": false, "groups": []},
}

read := {"id": "orders-billing-read", "operations": ["getOrder", "listOrders"]}

# The decision over grants of the group billing only.
decide(changes, grants) := decide_over(changes, {"orders": {"group:billing": grants}})

# The decision over all of data.grants.
decide_over(changes, grants) := decision if {
	decision := authz.decision with input as object.union(request, changes)
		with data.principals as people
		with data.grants as grants
}

allowed_by(ids) := {"allow": true, "grants": {id | some id in ids}, "reason": "granted"}

denied(reason) := {"allow": false, "grants": [], "reason": reason}

test_grant_of_a_group_allows if decide({}, [read]) == allowed_by(["orders-billing-read"])

test_nothing_is_allowed_by_default if decide({}, []) == denied("no-grant")

test_nothing_is_allowed_without_any_data if {
	authz.decision == denied("principal-unknown") with input as request
}

test_grant_of_the_person_itself_allows if {
	grants := {"orders": {"user:bob@example.com": [read]}}
	decide_over({"subject": "user:bob@example.com"}, grants) == allowed_by(["orders-billing-read"])
	decide_over({}, grants) == denied("no-grant")
}

test_grant_of_a_service_allows if {
	grants := {"orders": {"service:invoicer": [read]}}
	decide_over({"subject": "service:invoicer"}, grants) == allowed_by(["orders-billing-read"])
	decide_over({"subject": "user:bob@example.com"}, grants) == denied("no-grant")
}

test_grant_for_another_api_allows_nothing if {
	decide_over({}, {"payments": {"group:billing": [read]}}) == denied("no-grant")
}

test_every_grant_that_holds_is_named_once if {
	grants := {"orders": {
		"group:finance": [{"id": "c", "operations": ["getOrder"]}, {"id": "a", "operations": ["getOrder"]}],
		"group:billing": [
			{"id": "b", "operations": ["getOrder"]},
			{"id": "a", "operations": ["getOrder"]},
			{"id": "z", "operations": ["createOrder"]},
		],
	}}
	decide_over({}, grants) == allowed_by(["a", "b", "c"])
}

test_operation_must_be_covered if {
	decide({"operation": "listOrders"}, [read]) == allowed_by(["orders-billing-read"])
	decide({"operation": "createOrder"}, [read]) == denied("operation-not-covered")
	decide({"operation": "getorder"}, [read]) == denied("operation-not-covered")
}

test_expiry_is_exclusive if {
	decide({}, [object.union(read, {"expires": now + 1})]) == allowed_by(["orders-billing-read"])
	decide({}, [object.union(read, {"expires": now})]) == denied("expired")
	decide({}, [object.union(read, {"expires": now - 1})]) == denied("expired")
}

test_suspended_grant_does_not_hold if {
	decide({}, [object.union(read, {"state": "active"})]) == allowed_by(["orders-billing-read"])
	decide({}, [object.union(read, {"state": "suspended"})]) == denied("suspended")
}

test_second_factor_is_required_where_a_grant_asks_for_it if {
	grant := object.union(read, {"conditions": {"mfa": true}})
	decide({"mfa": true}, [grant]) == allowed_by(["orders-billing-read"])
	decide({"mfa": false}, [grant]) == denied("condition-not-met")
	authz.decision == denied("condition-not-met") with input as object.remove(request, ["mfa"])
		with data.principals as people
		with data.grants as {"orders": {"group:billing": [grant]}}
}

test_one_of_the_networks_is_required_where_a_grant_asks_for_them if {
	grant := object.union(read, {"conditions": {"networks": ["office", "vpn"]}})
	decide({"networks": ["lab", "vpn"]}, [grant]) == allowed_by(["orders-billing-read"])
	decide({"networks": ["lab"]}, [grant]) == denied("condition-not-met")
	decide({"networks": []}, [grant]) == denied("condition-not-met")
	authz.decision == denied("condition-not-met") with input as object.remove(request, ["networks"])
		with data.principals as people
		with data.grants as {"orders": {"group:billing": [grant]}}
}

test_all_conditions_must_hold if {
	grant := object.union(read, {"conditions": {"mfa": true, "networks": ["office"]}})
	decide({"mfa": true, "networks": ["office"]}, [grant]) == allowed_by(["orders-billing-read"])
	decide({"mfa": true}, [grant]) == denied("condition-not-met")
	decide({"networks": ["office"]}, [grant]) == denied("condition-not-met")
}

restricted_to(params) := object.union(read, {"conditions": {"params": params}})

test_parameter_must_have_one_of_the_values if {
	grant := restricted_to({"tenant": ["acme", "other"]})
	decide({"params": {"tenant": "acme"}}, [grant]) == allowed_by(["orders-billing-read"])
	every value in ["third", "ACME", "", null, 7, true, ["acme"], {"acme": "acme"}] {
		decide({"params": {"tenant": value}}, [grant]) == denied("parameter-not-covered")
	}
	decide({"params": {"region": "acme"}}, [grant]) == denied("parameter-not-covered")
	decide({"params": ["acme"]}, [grant]) == denied("parameter-not-covered")
	decide({}, [grant]) == denied("parameter-not-covered")
}

test_every_restricted_parameter_counts if {
	grant := restricted_to({"tenant": ["acme"], "region": ["eu"]})
	decide({"params": {"tenant": "acme", "region": "eu"}}, [grant]) == allowed_by(["orders-billing-read"])
	decide({"params": {"tenant": "acme", "region": "us"}}, [grant]) == denied("parameter-not-covered")
	decide({"params": {"tenant": "acme"}}, [grant]) == denied("parameter-not-covered")
}

test_parameter_must_be_what_the_claim_says if {
	grant := restricted_to({"customer": {"claim": "customer_id"}})
	decide({"params": {"customer": "7"}, "claims": {"customer_id": "7"}}, [grant]) == allowed_by(["orders-billing-read"])
	every claim in ["07", 7, "", null, ["7"], {"7": "7"}] {
		decide({"params": {"customer": "7"}, "claims": {"customer_id": claim}}, [grant]) == denied("parameter-not-covered")
		decide({"params": {"customer": claim}, "claims": {"customer_id": claim}}, [grant]) == wanted(claim)
	}
	decide({"params": {"customer": "7"}, "claims": {"other": "7"}}, [grant]) == denied("parameter-not-covered")
	decide({"params": {"customer": "7"}}, [grant]) == denied("parameter-not-covered")
}

# A text other than the empty one is equal to itself; nothing else is.
wanted("07") := allowed_by(["orders-billing-read"])

wanted(claim) := denied("parameter-not-covered") if claim != "07"

test_malformed_restrictions_hold_for_nothing if {
	every params in ["acme", ["acme"], null, 7, {"tenant": "acme"}, {"tenant": null}, {"tenant": {"claim": 7}}, {"tenant": [7]}] {
		decide({"params": {"tenant": "acme"}, "claims": {"7": "acme"}}, [restricted_to(params)]) == denied("parameter-not-covered")
	}
	decide({"params": {"tenant": "acme"}}, [object.union(read, {"conditions": "params"})]) == denied("condition-not-met")
}

test_grant_that_restricts_nothing_holds_whatever_the_parameters_are if {
	decide({"params": {"tenant": "acme"}}, [read]) == allowed_by(["orders-billing-read"])
	decide({}, [restricted_to({})]) == allowed_by(["orders-billing-read"])
}

test_empty_conditions_ask_for_nothing if {
	decide({}, [object.union(read, {"conditions": {}})]) == allowed_by(["orders-billing-read"])
}

test_unknown_person_is_denied if {
	decide({"subject": "user:eve@example.com"}, [read]) == denied("principal-unknown")
	decide_over({"subject": "user:eve@example.com"}, {"orders": {"user:eve@example.com": [read]}}) == denied("principal-unknown")
}

test_inactive_principal_is_denied if {
	decide({"subject": "user:gone@example.com"}, [read]) == denied("principal-inactive")
	decide_over({"subject": "service:retired"}, {"orders": {"service:retired": [read]}}) == denied("principal-inactive")
}

test_groups_of_the_input_count_only_where_the_issuer_vouches_for_them if {
	grants := {"orders": {"group:warehouse": [read]}}
	changes := {"subject": "user:bob@example.com", "groups": ["group:warehouse"]}
	decide_over(object.union(changes, {"groups_from": "token"}), grants) == allowed_by(["orders-billing-read"])
	decide_over(object.union(changes, {"groups_from": "directory"}), grants) == denied("no-grant")
	decide_over(changes, grants) == denied("no-grant")
}

test_token_groups_replace_those_of_the_directory if {
	decide({"groups": ["group:billing"], "groups_from": "token"}, [read]) == allowed_by(["orders-billing-read"])
	decide({"groups": [], "groups_from": "token"}, [read]) == denied("no-grant")
}

test_unknown_person_is_acceptable_where_the_issuer_vouches if {
	changes := {"subject": "user:eve@example.com", "groups_from": "token"}
	decide(changes, [read]) == allowed_by(["orders-billing-read"])
	decide(object.union(changes, {"groups": []}), [read]) == denied("no-grant")
}

test_person_known_as_inactive_is_denied_whatever_the_token_says if {
	decide({"subject": "user:gone@example.com", "groups_from": "token"}, [read]) == denied("principal-inactive")
}

test_groups_in_a_token_must_be_groups if {
	grants := {"orders": {"user:bob@example.com": [read]}}
	every group in ["user:bob@example.com", "billing", 7] {
		decide_over({"groups": [group], "groups_from": "token"}, grants) == denied("invalid-input")
	}
}

test_directory_entries_that_are_no_groups_lend_no_grants if {
	grants := {"orders": {"user:bob@example.com": [read]}}
	authz.decision == denied("no-grant") with input as request
		with data.principals as {"user:ann@example.com": {"active": true, "groups": ["user:bob@example.com", 7]}}
		with data.grants as grants
}

# The most specific reason, one rung of the ladder at a time: each list of grants adds one that came further.
test_order_of_reasons if {
	not_covered := {"id": "a-1", "operations": ["createOrder"]}
	elsewhere := object.union(restricted_to({"tenant": ["acme"]}), {"id": "a-0", "expires": now})
	past := object.union(read, {"id": "a-2", "expires": now})
	halted := object.union(read, {"id": "a-3", "state": "suspended"})
	unmet := object.union(read, {"id": "a-4", "conditions": {"mfa": true}})
	held := object.union(read, {"id": "a-5"})
	ladder := [
		{"grants": [], "reason": "no-grant"},
		{"grants": [not_covered], "reason": "operation-not-covered"},
		{"grants": [elsewhere, not_covered], "reason": "parameter-not-covered"},
		{"grants": [past, elsewhere, not_covered], "reason": "expired"},
		{"grants": [halted, past, not_covered], "reason": "suspended"},
		{"grants": [unmet, halted, past, not_covered], "reason": "condition-not-met"},
		{"grants": [held, unmet, halted, past, not_covered], "reason": "granted"},
	]
	every rung in ladder {
		decide({}, rung.grants).reason == rung.reason
		decide({"subject": "user:gone@example.com"}, rung.grants).reason == "principal-inactive"
		decide({"subject": "user:eve@example.com"}, rung.grants).reason == "principal-unknown"
		decide({"time": "soon"}, rung.grants).reason == "invalid-input"
	}
}

# A grant with several things missing speaks with the first of: coverage, expiry, state, conditions.
test_reason_of_one_grant_is_the_first_thing_missing if {
	unmet := object.union(read, {"conditions": {"mfa": true}})
	halted := object.union(unmet, {"state": "suspended"})
	past := object.union(halted, {"expires": now})
	decide({}, [unmet]).reason == "condition-not-met"
	decide({}, [halted]).reason == "suspended"
	decide({}, [past]).reason == "expired"
	decide({"operation": "createOrder"}, [past]).reason == "operation-not-covered"
}

invalid_changes := [
	{"subject": 7},
	{"subject": null},
	{"subject": ""},
	{"subject": "ann@example.com"},
	{"subject": "group:billing"},
	{"subject": ["user:ann@example.com"]},
	{"api": null},
	{"api": 1},
	{"operation": ["getOrder"]},
	{"operation": false},
	{"time": "1795428000"},
	{"time": null},
	{"networks": "office"},
	{"networks": {"office": true}},
	{"mfa": "true"},
	{"mfa": null},
	{"groups_from": "anyone"},
	{"groups_from": null},
	{"groups_from": "token", "groups": "group:billing"},
	{"groups_from": "token", "groups": null},
]

test_malformed_input_is_denied if {
	every changes in invalid_changes {
		decide(changes, [read]) == denied("invalid-input")
	}
}

test_missing_input_is_denied if {
	authz.decision == denied("invalid-input")
	every key in ["subject", "api", "operation", "time"] {
		authz.decision == denied("invalid-input") with input as object.remove(request, [key])
			with data.principals as people
			with data.grants as {"orders": {"group:billing": [read]}}
	}
	every nothing in [{}, [], null, "", 0, false] {
		authz.decision == denied("invalid-input") with input as nothing
			with data.principals as people
			with data.grants as {"orders": {"group:billing": [read]}}
	}
}

malformed_grants := [
	null,
	false,
	7,
	"orders-billing-read",
	["getOrder"],
	{},
	{"id": "x"},
	{"operations": ["getOrder"]},
	{"id": 7, "operations": ["getOrder"]},
	{"id": "x", "operations": "getOrder"},
	{"id": "x", "operations": {"getOrder": "getOrder"}},
	{"id": "x", "operations": [["getOrder"]]},
	{"id": "x", "operations": ["getOrder"], "expires": null},
	{"id": "x", "operations": ["getOrder"], "expires": "2099-01-01"},
	{"id": "x", "operations": ["getOrder"], "expires": true},
	{"id": "x", "operations": ["getOrder"], "state": null},
	{"id": "x", "operations": ["getOrder"], "state": "Active"},
	{"id": "x", "operations": ["getOrder"], "conditions": null},
	{"id": "x", "operations": ["getOrder"], "conditions": false},
	{"id": "x", "operations": ["getOrder"], "conditions": []},
	{"id": "x", "operations": ["getOrder"], "conditions": {"mfa": false}},
	{"id": "x", "operations": ["getOrder"], "conditions": {"mfa": "true"}},
	{"id": "x", "operations": ["getOrder"], "conditions": {"networks": []}},
	{"id": "x", "operations": ["getOrder"], "conditions": {"networks": "office"}},
	{"id": "x", "operations": ["getOrder"], "conditions": {"networks": {"x": "office"}}},
	{"id": "x", "operations": ["getOrder"], "conditions": {"hours": "9-17"}},
	{"id": "x", "operations": ["getOrder"], "conditions": {"mfa": true, "hours": "9-17"}},
]

test_malformed_grant_never_holds_and_hides_no_other if {
	every grant in malformed_grants {
		decide({"mfa": true, "networks": ["office"]}, [grant]).allow == false
		decide({"mfa": true, "networks": ["office"]}, [grant, read]) == allowed_by(["orders-billing-read"])
	}
	every grants in [null, false, 7, "getOrder"] {
		decide({}, grants) == denied("no-grant")
	}
}

test_malformed_principal_is_inactive if {
	every entry in [null, false, {}, {"active": "true", "groups": ["group:billing"]}] {
		every changes in [{}, {"groups_from": "token"}] {
			authz.decision == denied("principal-inactive") with input as object.union(request, changes)
				with data.principals as {"user:ann@example.com": entry}
				with data.grants as {"orders": {"group:billing": [read]}}
		}
	}
}

open_to_all := {"id": "public:orders", "operations": ["getOrder"]}

test_public_operation_is_open_to_anonymous if {
	grants := {"orders": {"anonymous": [open_to_all], "group:billing": [read]}}
	anyone := {"subject": "anonymous", "groups": []}
	decide_over(anyone, grants) == allowed_by(["public:orders"])
	decide_over(object.union(anyone, {"operation": "listOrders"}), grants) == denied("operation-not-covered")
	decide_over(object.union(anyone, {"api": "payments"}), grants) == denied("no-grant")
}

test_public_operation_gives_nothing_to_those_with_a_name if {
	grants := {"orders": {"anonymous": [open_to_all]}}
	decide_over({}, grants) == denied("no-grant")
	decide_over({"subject": "user:eve@example.com"}, grants) == denied("principal-unknown")
	decide_over({"subject": "user:anonymous"}, grants) == denied("principal-unknown")
	decide_over({"subject": "Anonymous"}, grants) == denied("invalid-input")
}

test_anonymous_is_in_no_group if {
	grants := {"orders": {"group:billing": [read]}}
	decide_over({"subject": "anonymous"}, grants) == denied("no-grant")
	decide_over({"subject": "anonymous", "groups_from": "token"}, grants) == denied("no-grant")
}
