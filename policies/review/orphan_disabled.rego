package grantgate.review

# METADATA
# title: Account deprovisioned
# description: The person is gone for good, so the grant is to go too, suspended or not.
candidates contains {"detector": "orphan-disabled", "action": "revoke"} if {
	live
	input.account.status == "deprovisioned"
}

# METADATA
# title: Account suspended
# description: The person's account is suspended, or the service disabled. It may come back, so the grant only pauses.
candidates contains {"detector": "orphan-disabled", "action": "suspend"} if {
	active
	input.account.status in {"suspended", "disabled"}
}
