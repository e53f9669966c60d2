import { Recognise } from "./recognise.jsx";

export default function Page() {
  return <Recognise />;
}
