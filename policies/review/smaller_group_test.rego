package grantgate.review_test

in_group(members) := {
	"grant": {"principal": "group:billing"},
	"group": {"members": 20, "certified_members": 20},
	"observed": {"principal": "group:invoicing", "members": members},
}

test_smaller_group_of_half_the_size_at_most if {
	found(asking(in_group(10))) == [report("smaller-group", "tighten", "low")]
	not tightens("smaller-group", in_group(11))
	not tightens("smaller-group", object.remove(in_group(10), ["observed"]))
}
