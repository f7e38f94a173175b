// What all pages look like, dark and light.
export const baseStyle = `
:root { color-scheme: light dark; --line: #8884; --ink: #1f2328; --soft: #59636e; --paper: #fff; --fill: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117; --fill: #4493f8; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: var(--ink); background: var(--paper); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
`;
