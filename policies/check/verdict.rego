# METADATA
# title: Who must approve what
# description: |
#   Judges what a pull request changes, by the rules, tiers and owners of the revision that it is to be merged into: so
#   it cannot loosen what it is judged by. It is told what changes, and answers what must not be, and whose approval the
#   merge needs. Who has opened it and who has approved is not known here; that is held against the answer later. Time is
#   `input.as_of`; there is no wall clock here.
# scope: package
# schemas:
#   - input: schema.check
package grantgate.check

# METADATA
# title: Verdict
# description: |
#   The one thing that is asked. `findings` are what must not be merged (`failure`) or should be known (`notice`), each of
#   a change by its number; `requirements` whose approval is needed; `self_grant` what becomes of a pull request whose
#   author gains access by it to one of the APIs that are `guarded`: `refuse`, `approve` (the API's owner has to), or
#   `allow`.
# entrypoint: true
verdict := {
	"findings": [finding | some finding in findings],
	"requirements": [requirement | some requirement in requirements],
	"self_grant": input.rules.self_grant,
	"guarded": [api | some api in guarded_apis],
}

# Access that is more than it was, or lasts longer.
widening := {"gains", "loosened", "altered", "extended", "public"}

widens(change) if change.kind in widening

guarded(change) if change.tier in input.rules.owner_tiers

# APIs of these tiers at which somebody has more access than before.
guarded_apis contains change.api if {
	some change in input.changes
	change.kind in (widening | {"joins"})
	guarded(change)
}

# METADATA
# title: The owner of a guarded API approves
# description: Whatever widens access to an API of these tiers needs the approval of who answers for the API.
requirements contains {
	"rule": "owner-approval",
	"api": change.api,
	"approval_of": change.owner,
} if {
	some change in input.changes
	widens(change)
	guarded(change)
}

# METADATA
# title: The owner of a guarded API approves that it is guarded less
# description: A lower tier or another owner would take the next pull request out of these rules.
requirements contains {
	"rule": "api-weakened",
	"api": change.api,
	"approval_of": change.owner,
} if {
	some change in input.changes
	change.kind == "weakened"
	guarded(change)
}

# METADATA
# title: The owner of a guarded API approves what its grants come to refer to
# description: |
#   Networks that they ask for, methods and paths of operations, where requests go, ways to sign in: the same grants may
#   allow more then.
requirements contains {
	"rule": "api-opened",
	"api": change.api,
	"approval_of": change.owner,
} if {
	some change in input.changes
	change.kind == "opened"
	guarded(change)
}

# METADATA
# title: Nobody certifies access of their own
# description: |
#   Whoever merges it attests it, and who that will be is not known yet: so somebody else who answers for the grant approves
#   what certifies or prolongs one person's access.
requirements contains {
	"rule": "self-review",
	"api": change.api,
	"approval_of": change.answers,
	"except": change.holder,
} if {
	input.rules.self_review == "refuse"
	some change in input.changes
	change.kind == "own-review"
}

# METADATA
# title: Access to a guarded API ends
# description: A grant that comes to a guarded API, or is widened there, ends within `longest_days`.
findings contains {"rule": "must-end", "level": "failure", "change": number} if {
	some number, change in input.changes
	widens(change)
	guarded(change)
	change.grant
	not ends_soon(change)
}

ends_soon(change) if change.expires_at <= input.as_of + (input.rules.longest_days * 86400)

# METADATA
# title: Duties stay separate
# description: Somebody would come to hold both sides of a pair of duties.
findings contains {"rule": "separation-of-duties", "level": "failure", "change": number} if {
	some number, change in input.changes
	change.kind == "duties"
}

# METADATA
# title: The directory gives access to a guarded API
# description: |
#   Somebody joins a group that has it. Nobody is asked: the next pull request of the identity sync may take access away
#   beside it, and must not wait.
findings contains {"rule": "directory-access", "level": "notice", "change": number} if {
	some number, change in input.changes
	change.kind == "joins"
	guarded(change)
}

# METADATA
# title: Reviews ask later
# description: |
#   A keep that outlasts certification, a rarer cadence, an exemption: nobody gains by it, so nothing else shows that a grant
#   is to be left alone for longer.
findings contains {"rule": "review-put-off", "level": "notice", "change": number} if {
	some number, change in input.changes
	change.kind == "put-off"
}

# METADATA
# title: What was taken away comes back
# description: |
#   By a revert, a cherry-pick, or a branch from before: the difference alone looks like access that nobody has decided
#   about yet.
findings contains {"rule": "put-back", "level": "notice", "change": number} if {
	some number, change in input.changes
	change.kind == "put-back"
}

# METADATA
# title: The rules themselves change
# description: They judge from the next pull request on; this one is judged by those of the base.
findings contains {"rule": "rules-changed", "level": "notice", "change": number} if {
	some number, change in input.changes
	change.kind == "rules"
}
