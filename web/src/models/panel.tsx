// Models.
export default function ModelsPanel() {
  return <h1>Models</h1>;
}
