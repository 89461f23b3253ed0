//! Names that an operation cannot have as a function.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Whether `@hey-api/openapi-ts` 0.95 puts an underscore behind the name: keywords of JavaScript and TypeScript, and the
/// globals of browsers and Node.js. Those that begin with a capital are not listed: camel case never yields one.
pub(super) fn is_reserved(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| RESERVED.iter().copied().collect());
    NAMES.contains(name)
}

#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "__dirname", "__filename", "any", "arguments", "as", "async", "atob", "await", "bigint", "boolean",
    "break", "btoa", "case", "catch", "class", "clearInterval", "clearTimeout", "console", "const",
    "continue", "crypto", "debugger", "default", "delete", "do", "document", "else", "enum", "eval",
    "export", "exports", "extends", "false", "fetch", "finally", "for", "from", "function", "global",
    "globalThis", "history", "if", "implements", "import", "in", "instanceof", "interface", "let",
    "location", "module", "namespace", "navigator", "never", "new", "null", "number", "package",
    "performance", "private", "process", "protected", "public", "queueMicrotask", "require", "return",
    "setInterval", "setTimeout", "static", "string", "structuredClone", "super", "switch", "symbol", "this",
    "throw", "true", "try", "type", "typeof", "undefined", "unknown", "var", "void", "while", "window",
    "with", "yield",
];
