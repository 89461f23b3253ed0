import { smoke } from "./smoke.js";
globalThis.smoke = (settings) => smoke({ ...settings, url: location.origin });
