import { smoke } from "./smoke.js";
console.log(JSON.stringify(await smoke(await new Response(Deno.stdin.readable).json())));
