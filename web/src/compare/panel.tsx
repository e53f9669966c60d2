// Compare.
export default function ComparePanel() {
  return <h1>Compare</h1>;
}
