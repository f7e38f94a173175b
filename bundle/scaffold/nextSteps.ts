import type { Answers } from './readAnswers.ts';

/** grants/README.md of a new repository. */
export const nextSteps = ({ api, action }: Answers, branch: string): string => `# Access, in Git

Who may call which API stands here, is changed by pull requests, and is enforced by a gateway as merged.

\`\`\`
apis/${api}.yaml           the API: where it is, its operations, its roles
access/${api}/owners.yaml  who may use it
directory/hand.yaml        people and groups, by hand until \`grantgate sync\` writes them
review.yaml                how access is reviewed
schema/                    for editors
../gateway.yaml            a gateway for this repository
\`\`\`

Next:

1. \`grantgate check\`, \`grantgate doctor --config gateway.yaml\`, \`grantgate serve --config gateway.yaml\`.
2. A caller: put your identity provider under \`issuers\` in gateway.yaml. Or a service: its entry in
   \`directory/services.yaml\`, an API key by \`grantgate key new --service NAME\`, and a grant for \`service:NAME\`.
3. ${
  action === null
    ? 'Put the action you trust, by its commit, in place of `OWNER/grantgate@COMMIT` in .github/workflows.'
    : 'Push; the workflows check pull requests, review access and answer comments.'
}
4. Protect \`${branch}\` with a ruleset: pull requests required, one approval at least, by code owners; the checks \`grants\` (what is
   wrong) and \`grantgate/check\` (who must approve) required, with a merge queue or branches up to date; no force pushes, no deletions,
   nobody exempt. It is the lock on the door.
5. Label \`access-request\` must exist for the form that asks for access. Restrict the environment \`review\` to \`${branch}\`.
6. A policy, detectors or approvals of your own go into \`policies/\`, each with its tests; what a policy has to know besides into
   \`data/\`, each document with a JSON Schema. Give both an owner in CODEOWNERS. \`grantgate schemas\` keeps schema/ up to date.
`;
