import type { DataLines } from '../data/scanLines.ts';
import type { PolicyReads } from '../policy/examine/policyReads.ts';
import type { Golden } from './golden.ts';
import type { Release, ReleaseTerms } from './release.ts';

/** The contents of a bundle: what {@link assemble} makes of a commit and what verifying an archive gives back. */
export type Bundle = Release &
  ReleaseTerms & {
    /** The commit. */
    revision: string;
    committedAt: string;
    /** How many grants there are. */
    grants: number;
    /** `sha256:HEX` of data.json without its line feeds. */
    digest: string;
    /** data.json in line form. */
    data: Buffer;
    /** What stands where in it. */
    lines: DataLines;
    /** The compiled decision. */
    wasm: Buffer;
    /** What the policy reads of the document and whether it follows the clock, from its syntax tree. */
    reads: PolicyReads;
    /** Decisions to try it by before it serves. */
    golden?: readonly Golden[];
    /** Path → Rego, for OPA servers and for readers. */
    policies: ReadonlyMap<string, Buffer>;
  };
