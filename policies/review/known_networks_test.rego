package grantgate.review_test

from_office := {"observed": {"networks": ["office"]}}

test_networks_that_all_use_came_from if {
	found(asking(from_office)) == [report("known-networks", "tighten", "low")]
	not tightens("known-networks", {"observed": {"networks": []}})
	not tightens("known-networks", {})
}

test_networks_are_left_where_some_are_asked_for if {
	not tightens("known-networks", object.union(from_office, {"grant": {"conditions": {"networks": ["vpn"]}}}))
	tightens("known-networks", object.union(from_office, {"grant": {"conditions": {"mfa": true}}}))
}
