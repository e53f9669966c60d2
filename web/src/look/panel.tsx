// Look.
export default function LookPanel() {
  return <h1>Look</h1>;
}
