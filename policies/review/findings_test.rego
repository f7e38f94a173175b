package grantgate.review_test

import data.grantgate.review

# The end of 2026-11-23T12:00:00Z, and days before it.
as_of := 1795435200

days(count) := as_of - (count * 86400)

thresholds := {
	"expiring": {"notice_days": [14, 1]},
	"never_used": {"days": 30},
	"dormant": {"days": 90, "days_high": 45, "cadence_factor": 1.25, "revoke_after_days": 30},
	"over_privileged": {"days": 90, "unused_share": 0.5, "unused_operations": 2, "allows": 20, "days_used": 5},
	"orphan_missing": {"syncs": 2, "apart_hours": 24},
	"ownerless": {"revoke_after_days": 30},
	"high_access": {"days": 90, "days_others": 180},
	"growth": {"share": 0.5, "members": 25},
	"recommend": {
		"days": 90,
		"allows": 20,
		"days_used": 5,
		"rate_margin": 2,
		"rate_least": 60,
		"one_off_days": 7,
		"quiet_days": 30,
		"end_days": 30,
		"members_share": 0.5,
	},
	"coverage": 0.95,
}

# In daily use, granted long ago and certified lately: nothing is found.
healthy := {
	"as_of": as_of,
	"thresholds": thresholds,
	"grant": {
		"id": "orders-billing-read",
		"api": "orders",
		"principal": "user:ann@example.com",
		"tier": "medium",
		"state": "active",
		"covers": ["a", "b", "c", "d"],
		"granted_at": days(400),
		"review": {"at": days(10)},
	},
	"account": {"status": "active"},
	"exemptions": [],
	"usage": {
		"never-used": used(400),
		"dormant": used(60),
		"over-privileged": used(60),
		"redundant": object.union(used(60), {"companions": []}),
	},
}

used(allows) := {
	"coverage": 1,
	"allows": allows,
	"days_used": allows,
	"last_used_at": days(1),
	"operations": ["a", "b", "c", "d"],
}

# `last_used_at` is left out when there was no use; null takes the place of the healthy grant's.
unused := {"coverage": 1, "allows": 0, "days_used": 0, "last_used_at": null, "operations": []}

# The healthy grant with changes, deep.
with_changes(changes) := object.union(healthy, changes)

found(facts) := findings if {
	findings := review.findings with input as facts
}

report(detector, action, severity) := also_report(detector, action, severity, [])

also_report(detector, action, severity, also) := {
	"detector": detector,
	"verdict": "report",
	"action": action,
	"severity": severity,
	"also": also,
}

never := {"usage": {"never-used": unused, "dormant": unused, "over-privileged": unused}}

# Facts that two detectors report: an account that is gone, and use of two operations of four.
narrow_use := {"usage": {"over-privileged": object.union(used(60), {"operations": ["a", "b"]})}}

test_healthy_grant_has_no_findings if found(healthy) == []

test_judgement_holds_windows_and_findings if {
	judgement := review.judgement with input as with_changes(narrow_use)
	judgement.findings == found(with_changes(narrow_use))
	judgement.windows == windows({})
}

test_judgement_without_usage_names_windows_only if {
	judgement := review.judgement with input as object.remove(healthy, ["usage"])
	judgement == {"windows": windows({}), "findings": []}
}

test_expired_grant_is_only_expired if {
	facts := with_changes(object.union({"grant": {"expires_at": as_of}, "account": {"status": "deprovisioned"}}, never))
	found(facts) == [report("expired", "delete", "low")]
}

test_weaker_findings_stand_beside_the_one_that_removes if {
	facts := with_changes(object.union({"account": {"status": "deprovisioned"}}, narrow_use))
	found(facts) == [also_report("orphan-disabled", "revoke", "high", ["over-privileged"])]
	found(with_changes(narrow_use)) == [report("over-privileged", "narrow", "low")]
}

exempt_from(detector, until) := {"exemptions": [{"detector": detector, "until": until, "reason": "Year-end only"}]}

test_exempt_finding_is_named_as_such_until_the_exemption_ends if {
	facts := with_changes(narrow_use)
	found(object.union(facts, exempt_from("over-privileged", as_of + 1))) == [{
		"detector": "over-privileged",
		"verdict": "exempt",
		"until": as_of + 1,
		"reason": "Year-end only",
	}]
	found(object.union(facts, exempt_from("over-privileged", as_of))) == found(facts)
	found(object.union(facts, exempt_from("dormant", as_of + 1))) == found(facts)
	found(object.union(healthy, exempt_from("dormant", as_of + 1))) == []
}

test_of_several_exemptions_the_longest_counts if {
	facts := object.union(with_changes(narrow_use), {"exemptions": [
		{"detector": "over-privileged", "until": as_of + 2, "reason": "Prolonged"},
		{"detector": "over-privileged", "until": as_of + 1, "reason": "At first"},
		{"detector": "over-privileged", "until": as_of + 2, "reason": "And once more"},
	]})
	{[finding.until, finding.reason] | some finding in found(facts)} == {[as_of + 2, "Prolonged"]}
}

test_exempt_finding_does_not_hide_a_weaker_one if {
	facts := with_changes(object.union({"account": {"status": "deprovisioned"}}, narrow_use))
	verdicts := {[finding.detector, finding.verdict] |
		some finding in found(object.union(facts, exempt_from("orphan-disabled", as_of + 1)))
	}
	verdicts == {["orphan-disabled", "exempt"], ["over-privileged", "report"]}
}

with_coverage(detector, coverage) := {"usage": {detector: {"coverage": coverage}}}

test_too_little_coverage_is_not_evaluable_and_says_so if {
	facts := with_changes(narrow_use)
	found(object.union(facts, with_coverage("over-privileged", 0.95))) == found(facts)
	found(object.union(facts, with_coverage("over-privileged", 0.9499))) == [{
		"detector": "over-privileged",
		"verdict": "not-evaluable",
		"coverage": 0.9499,
	}]
}

test_only_what_would_be_reported_is_called_not_evaluable if {
	found(object.union(healthy, with_coverage("over-privileged", 0))) == []
}

test_not_evaluable_is_not_said_of_exempt_or_removed_grants if {
	facts := object.union(with_changes(narrow_use), with_coverage("over-privileged", 0.5))
	found(object.union(facts, exempt_from("over-privileged", as_of + 1))) == []
	found(object.union(facts, {"account": {"status": "deprovisioned"}})) == [report("orphan-disabled", "revoke", "high")]
}

test_never_used_is_not_called_not_evaluable_where_dormant_judges if {
	facts := object.union(with_changes(never), with_coverage("never-used", 0.3))
	exempt := object.union(facts, exempt_from("dormant", as_of + 1))
	{[finding.detector, finding.verdict] | some finding in found(exempt)} == {["dormant", "exempt"]}
	blind := object.union(exempt, {"usage": {"dormant": {"coverage": 0.3}}})
	{[finding.detector, finding.verdict] | some finding in found(blind)} == {["never-used", "not-evaluable"]}
}

test_usage_that_was_not_gathered_flags_nothing if {
	verdicts := {finding.verdict | some finding in found(object.remove(healthy, ["usage"]))}
	verdicts == {"not-evaluable"}
}

severity_of(tier, changes) := severities if {
	severities := [finding.severity |
		some finding in found(object.union(with_changes(changes), {"grant": {"tier": tier}}))
	]
}

test_severity_follows_the_tier if {
	gone := {"account": {"status": "deprovisioned"}}
	severity_of("critical", gone) == ["critical"]
	severity_of("high", gone) == ["high"]
	severity_of("low", gone) == ["high"]
	severity_of("low", never) == ["medium"]
	severity_of("high", never) == ["high"]
	severity_of("medium", narrow_use) == ["low"]
	severity_of("high", narrow_use) == ["medium"]
	severity_of("critical", {"grant": {"expires_at": days(1)}}) == ["low"]
}
