import HtmlWebpackPlugin from "html-webpack-plugin";

export default {
  mode: "production",
  entry: "./src/main.js",
  output: { clean: true, publicPath: "auto" },
  plugins: [new HtmlWebpackPlugin({ template: "./src/index.html", scriptLoading: "module" })],
};
