package grantgate.review_test

twin := {
	"id": "twin",
	"api": "orders",
	"covers": ["a", "b", "c", "d"],
	"reaches": true,
	"state": "active",
}

beside(others, changes) := object.union(
	with_changes({"usage": {"redundant": {"companions": others}}}),
	{"grant": changes},
)

spare := [report("redundant", "delete", "medium")]

ahead_of(count) := as_of + (count * 86400)

test_redundant_beside_a_grant_that_justified_each_use if {
	found(beside([twin], {})) == spare
	found(beside([], {})) == []
	found(beside([object.union(twin, {"state": "suspended"})], {})) == []
	found(beside([object.union(twin, {"going": true})], {})) == []
	found(beside([object.union(twin, {"going": true}), twin], {})) == spare
}

test_redundant_only_beside_what_gives_it_still if {
	found(beside([object.union(twin, {"reaches": false})], {})) == []
	found(beside([object.union(twin, {"api": "payments"})], {})) == []
	fewer := object.union(twin, {"covers": ["a", "b", "c"]})
	found(beside([fewer], {})) == []
	used_less := {"usage": {"redundant": {"operations": ["a", "c"]}}}
	found(object.union(beside([fewer], {}), used_less)) == spare
}

test_redundant_only_beside_what_lasts_as_long if {
	ends := object.union(twin, {"expires_at": ahead_of(100)})
	found(beside([ends], {})) == []
	found(beside([ends], {"expires_at": ahead_of(100)})) == spare
	found(beside([ends], {"expires_at": ahead_of(101)})) == []
	found(beside([twin], {"expires_at": ahead_of(101)})) == spare
}

test_redundant_only_beside_what_asks_no_more if {
	mfa := object.union(twin, {"conditions": {"mfa": true}})
	found(beside([mfa], {})) == []
	found(beside([mfa], {"conditions": {"mfa": true}})) == spare
	office := object.union(twin, {"conditions": {"networks": ["office"]}})
	found(beside([office], {})) == []
	found(beside([office], {"conditions": {"networks": ["office"]}})) == spare
	found(beside([office], {"conditions": {"networks": ["office", "vpn"]}})) == []
	found(beside([twin], {"conditions": {"networks": ["office"], "mfa": true}})) == spare
}

test_redundant_only_beside_what_restricts_no_more if {
	acme := object.union(twin, {"params": {"tenant": ["acme", "other"]}})
	found(beside([acme], {})) == []
	found(beside([acme], {"params": {"tenant": ["acme"]}})) == spare
	found(beside([acme], {"params": {"tenant": ["acme", "third"]}})) == []
	found(beside([acme], {"params": {"region": ["acme"]}})) == []
	found(beside([twin], {"params": {"tenant": ["acme"]}})) == spare
	own := object.union(twin, {"params": {"tenant": {"claim": "sub"}}})
	found(beside([own], {"params": {"tenant": {"claim": "sub"}}})) == spare
	found(beside([own], {"params": {"tenant": {"claim": "org"}}})) == []
	found(beside([own], {"params": {"tenant": ["sub"]}})) == []
	found(beside([acme], {"params": {"tenant": {"claim": "sub"}}})) == []
}

test_redundant_only_beside_what_has_no_rate if {
	slow := object.union(twin, {"rate": "10/min"})
	found(beside([slow], {})) == []
	found(beside([slow], {"rate": "10/min"})) == []
	found(beside([twin], {"rate": "10/min"})) == spare
}

test_unused_grant_is_not_redundant if {
	idle := {"usage": {"redundant": object.union(unused, {"companions": [twin]})}}
	found(with_changes(idle)) == []
}

test_young_and_kept_grants_are_not_redundant if {
	found(beside([twin], {"granted_at": days(90) + 1})) == []
	found(beside([twin], {"granted_at": days(90)})) == spare
	found(beside([twin], {"review": {"at": days(1), "until": as_of + 1}})) == []
	found(beside([twin], {"cadence": "break-glass"})) == []
}
