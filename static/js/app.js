// Every page's script: each module enhances markup that works without it.
import "./controls.js";
import "./keys.js";
import "./query.js";
import "./swaps.js";
