package grantgate.check_test

import data.grantgate.check

now := 1795428000

rules := {"owner_tiers": ["critical"], "longest_days": 90, "self_grant": "refuse"}

gain := {
	"kind": "gains",
	"api": "payments",
	"tier": "critical",
	"owner": "group:finance",
	"grant": "payments-ann",
	"expires_at": now + (90 * 86400),
}

judged(changes) := judged_by(rules, changes)

judged_by(by, changes) := answer if {
	answer := check.verdict with input as {"as_of": now, "rules": by, "changes": changes}
}

needs(rule) := [{"rule": rule, "api": "payments", "approval_of": "group:finance"}]

without_end := object.remove(gain, ["expires_at"])

test_nothing_changed if {
	judged([]) == {"findings": [], "requirements": [], "self_grant": "refuse", "guarded": []}
}

test_more_access_to_a_guarded_api_needs_its_owner if {
	every kind in ["gains", "loosened", "altered", "extended", "public"] {
		judged([object.union(gain, {"kind": kind})]).requirements == needs("owner-approval")
	}
	every kind in ["loses", "tightened", "shortened"] {
		judged([object.union(gain, {"kind": kind})]).requirements == []
	}
}

test_other_tiers_need_nobody_unless_the_rules_say_so if {
	changes := [object.union(gain, {"tier": "high"})]
	judged(changes).requirements == []
	judged_by(object.union(rules, {"owner_tiers": ["high"]}), changes).requirements == needs("owner-approval")
}

test_one_approval_for_many_grants if {
	judged([gain, object.union(gain, {"grant": "payments-bob"})]).requirements == needs("owner-approval")
}

test_an_api_that_is_guarded_less_needs_its_owner if {
	weakened := {"kind": "weakened", "api": "payments", "tier": "critical", "owner": "group:finance"}
	judged([weakened]).requirements == needs("api-weakened")
	judged([object.union(weakened, {"tier": "low"})]).requirements == []
}

test_what_grants_of_a_guarded_api_refer_to_needs_its_owner if {
	opened := {"kind": "opened", "api": "payments", "tier": "critical", "owner": "group:finance"}
	judged([opened]).requirements == needs("api-opened")
	judged([opened]).findings == []
	judged([object.union(opened, {"tier": "low"})]).requirements == []
}

test_access_to_a_guarded_api_ends if {
	judged([gain]).findings == []
	found := [{"rule": "must-end", "level": "failure", "change": 1}]
	judged([gain, without_end]).findings == found
	judged([gain, object.union(gain, {"expires_at": (now + (90 * 86400)) + 1})]).findings == found
	judged_by(object.union(rules, {"longest_days": 30}), [without_end, gain]).findings == [
		{"rule": "must-end", "level": "failure", "change": 0},
		{"rule": "must-end", "level": "failure", "change": 1},
	]
}

test_an_end_is_asked_of_grants_that_widen_there_only if {
	judged([object.union(without_end, {"kind": "tightened"})]).findings == []
	judged([object.union(without_end, {"tier": "high"})]).findings == []

	# Anybody may: there is no grant to give an end.
	judged([object.remove(without_end, ["grant"])]).findings == []
}

test_both_sides_of_a_pair_of_duties if {
	judged([{"kind": "duties", "api": "payments"}]).findings == [{"rule": "separation-of-duties", "level": "failure", "change": 0}]
}

test_access_by_the_directory_is_told_and_waits_for_nobody if {
	joins := object.union(object.remove(without_end, ["grant"]), {"kind": "joins"})
	judged([joins]) == {
		"findings": [{"rule": "directory-access", "level": "notice", "change": 0}],
		"requirements": [],
		"self_grant": "refuse",
		"guarded": ["payments"],
	}
	judged([object.union(joins, {"tier": "high"})]) == judged([])
}

test_apis_at_which_nobody_grants_himself_access if {
	judged([gain]).guarded == ["payments"]
	judged([object.union(gain, {"kind": "tightened"})]).guarded == []
	judged([object.union(gain, {"tier": "low"})]).guarded == []
}

test_what_reviews_leave_alone_for_longer_is_told if {
	judged([object.union(gain, {"kind": "put-off"})]) == {
		"findings": [{"rule": "review-put-off", "level": "notice", "change": 0}],
		"requirements": [],
		"self_grant": "refuse",
		"guarded": [],
	}
}

test_who_certifies_access_of_their_own_needs_somebody_else_where_the_rules_say_so if {
	own := {
		"kind": "own-review",
		"api": "orders",
		"tier": "low",
		"owner": "group:shop",
		"grant": "orders-ann",
		"holder": "user:ann@example.com",
		"answers": "group:desk",
	}
	judged([own]).requirements == []
	judged_by(object.union(rules, {"self_review": "allow"}), [own]).requirements == []
	judged_by(object.union(rules, {"self_review": "refuse"}), [own]) == {
		"findings": [],
		"requirements": [{
			"rule": "self-review",
			"api": "orders",
			"approval_of": "group:desk",
			"except": "user:ann@example.com",
		}],
		"self_grant": "refuse",
		"guarded": [],
	}
}

test_what_was_taken_away_and_comes_back_is_told if {
	judged([object.union(gain, {"kind": "put-back"})]) == {
		"findings": [{"rule": "put-back", "level": "notice", "change": 0}],
		"requirements": [],
		"self_grant": "refuse",
		"guarded": [],
	}
}

test_changed_rules_are_told if {
	judged([{"kind": "rules"}]).findings == [{"rule": "rules-changed", "level": "notice", "change": 0}]
}

test_what_becomes_of_a_grant_to_oneself if {
	judged_by(object.union(rules, {"self_grant": "approve"}), []).self_grant == "approve"
}
