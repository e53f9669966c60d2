// Pictures that the lesson is tried on, without being kept.
import { useState } from "preact/hooks";
import type { Recognition } from "../library.ts";
import { report } from "../state/notices.ts";
import { Card, FileButton } from "../ui/controls.tsx";
import { answer } from "./learning.ts";
import { Answers } from "./try-answers.tsx";

export function TryPicture() {
  const [tried, setTried] = useState<{ readonly name: string; readonly said: Recognition }>();
  const open = async (file: File) => {
    const said = await answer(file);
    if (said !== undefined) setTried({ name: file.name, said });
  };
  return (
    <Card title="Try it">
      <FileButton icon="picture" accept="image/*" onFiles={([first]) => first && open(first.file).catch(report)}>
        Try a picture
      </FileButton>
      {tried !== undefined && (
        <>
          <p class="soft">{tried.name}</p>
          <Answers said={tried.said} />
        </>
      )}
    </Card>
  );
}
