package grantgate.review

# METADATA
# title: Both sides of a pair of duties
# description: |
#   Somebody holds operations that one person must not hold together, and this grant gives the side that came later. It
#   keeps what is left of it.
candidates contains {"detector": "separation-of-duties", "action": "narrow"} if {
	two_duties
	count(duties_left) > 0
}

# METADATA
# title: Nothing but one side of a pair of duties
# description: Nothing is left of the grant without that side, so it goes.
candidates contains {"detector": "separation-of-duties", "action": "revoke"} if {
	two_duties
	count(duties_left) == 0
}

two_duties if {
	active
	not break_glass
	count(duties_given_up) > 0
}

duties_given_up := {operation |
	some duty in input.duties
	some operation in duty.operations
}

duties_left := {operation | some operation in input.grant.covers} - duties_given_up
