import { smoke } from "./smoke.js";
export default {
  async fetch(request) {
    return Response.json(await smoke(await request.json()));
  },
};
