"""The pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from notes.forms import NoteForm
from notes.models import Note


def notes(request: HttpRequest) -> HttpResponse:
    """Show the latest notes, and take a new one."""
    form = NoteForm(request.POST or None)
    if form.is_valid():
        form.save()
        return redirect("notes")
    page = {"form": form, "notes": Note.objects.all()[:50]}
    return render(request, "notes/notes.html", page, status=400 if form.errors else 200)
