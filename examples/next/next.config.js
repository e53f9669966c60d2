/** @type {import("next").NextConfig} */
export default {
  output: "export", // plain files in out/
};
